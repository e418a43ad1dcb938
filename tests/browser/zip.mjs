// Zips as a file manager reads and writes them: to look into what the page saves, and to hand it a
// folder that its own code did not pack.

import { readFileSync, readdirSync, statSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { deflateRawSync, inflateRawSync } from "node:zlib";

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const DEFLATED = 8;

const SUMS = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit += 1) byte = byte & 1 ? 0xedb88320 ^ (byte >>> 1) : byte >>> 1;
  return byte;
});

/// The checksum of zips; older versions of node have none.
function crc32(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = SUMS[(sum ^ byte) & 0xff] ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
}

/// The files of a zip by name.
export function unzip(bytes) {
  const end = bytes.lastIndexOf(Buffer.from("PK\x05\x06", "latin1"));
  const files = new Map();
  let at = bytes.readUInt32LE(end + 16);
  for (let left = bytes.readUInt16LE(end + 10); left > 0; left -= 1) {
    if (bytes.readUInt32LE(at) !== CENTRAL) throw new Error("the zip's directory is damaged");
    const [method, sum, packed] = [bytes.readUInt16LE(at + 10), bytes.readUInt32LE(at + 16), bytes.readUInt32LE(at + 20)];
    const [name, extra, comment] = [28, 30, 32].map((place) => bytes.readUInt16LE(at + place));
    const file = bytes.toString("utf8", at + 46, at + 46 + name);
    const local = bytes.readUInt32LE(at + 42);
    const from = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const data = bytes.subarray(from, from + packed);
    const content = method === DEFLATED ? inflateRawSync(data) : data;
    if (crc32(content) !== sum) throw new Error(`${file}: its checksum is wrong`);
    if (!file.endsWith("/")) files.set(file, content);
    at += 46 + name + extra + comment;
  }
  return files;
}

/// Writes the files of a zip into a folder.
export function unpack(bytes, into) {
  for (const [name, content] of unzip(bytes)) {
    mkdirSync(dirname(join(into, name)), { recursive: true });
    writeFileSync(join(into, name), content);
  }
}

/// A folder as a zip, with an entry for every folder in it.
export function pack(path) {
  const parts = [];
  const directory = [];
  let at = 0;
  const add = (name, content) => {
    const packed = deflateRawSync(content);
    const file = Buffer.from(name);
    // Version, flags, method, time and date, checksum, both sizes, the name's length, no extra field.
    const common = Buffer.alloc(26);
    [[20, 0], [0x800, 2], [DEFLATED, 4], [file.length, 22]].forEach(([value, place]) => common.writeUInt16LE(value, place));
    [[0x5a210000, 6], [crc32(content), 10], [packed.length, 14], [content.length, 18]]
      .forEach(([value, place]) => common.writeUInt32LE(value, place));
    const head = Buffer.alloc(4);
    head.writeUInt32LE(LOCAL);
    const entry = Buffer.alloc(6);
    entry.writeUInt32LE(CENTRAL);
    entry.writeUInt16LE(20, 4);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(at, 10);
    directory.push(entry, common, rest, file);
    parts.push(head, common, file, packed);
    at += head.length + common.length + file.length + packed.length;
  };
  let count = 0;
  const walk = (path, name) => {
    count += 1;
    if (!statSync(path).isDirectory()) return add(name, readFileSync(path));
    add(`${name}/`, Buffer.alloc(0));
    for (const inner of readdirSync(path)) walk(join(path, inner), `${name}/${inner}`);
  };
  walk(path, basename(path));
  const length = directory.reduce((sum, part) => sum + part.length, 0);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(END);
  [8, 10].forEach((place) => end.writeUInt16LE(count, place));
  end.writeUInt32LE(length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, ...directory, end]);
}
