// What the tests share: the server of the page, one browser, configurations, the desktop program.

import { execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { Browser, sleep } from "./browser.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const pictures = join(here, "pictures");
rmSync(pictures, { recursive: true, force: true });
mkdirSync(pictures, { recursive: true });

/// A folder for what the tests write; it goes with them.
const scratch = mkdtempSync(join(tmpdir(), "sasr-browser-tests-"));
let folders = 0;
export const folder = () => {
  const path = join(scratch, String(++folders));
  mkdirSync(path);
  return path;
};

/// The smallest run in which everything happens.
export const tiny = (name, set = "") => `
name = "${name}"
max_steps = 24
device = "cpu"
${set}
[task.arithmetic]
max_operand = 3
[model]
hidden_size = 16
num_hidden_layers = 1
num_attention_heads = 2
max_position_embeddings = 48
[sft]
batch_size = 4
[grpo]
num_prompts = 2
num_generations = 4
max_completion_length = 12
[balance]
warmup_steps = 4
g_warm_window = 4
probe_prompts = 2
[curriculum]
levels = [1, 1]
start = 1
[exam]
every = 8
problems = 4
[evaluation]
problems = 4
samples = 2
robustness = false
after_warmup = false
[checkpoint]
every = 4
`;

/// Long enough to be stopped and looked at.
export const long = (name, set = "") => tiny(name, set).replace("max_steps = 24", "max_steps = 4000");

const server = spawn(process.env.SERVE ?? join(here, "../../web/serve"), ["0"], { stdio: ["ignore", "pipe", "inherit"] });
export const address = await new Promise((done, failed) => {
  server.stdout.once("data", (line) => done(String(line).trim()));
  server.once("exit", () => failed(new Error("the server has ended")));
});

export const browser = Browser.start();

/// The tab that a failure is looked for in.
export let newest = null;

/// The page, opened by somebody who was never here. What is downloaded lies in `tab.downloads`.
export async function visit(options = {}) {
  const downloads = folder();
  const visitor = await browser.visitor(downloads);
  const tab = await browser.open(options.address ?? address, { ...options, visitor });
  Object.assign(tab, { visitor, downloads });
  newest = tab;
  await tab.ready();
  return tab;
}

export async function close() {
  await browser.close();
  server.kill();
  rmSync(scratch, { recursive: true, force: true });
}

/// Numbers and sentences that are shown beside the test's name.
export const notes = [];
export const note = (text) => notes.push(text);

export const picture = (tab, name) => tab.picture(join(pictures, `${name}.png`));

export const record = (state, name) => state.records?.[name];

/// Trains to the end; returns what the page then knows of the run.
export async function train(tab, config, seconds = 60) {
  const name = /name = "(.*)"/.exec(config)[1];
  await tab.send({ Train: config });
  return finish(tab, name, seconds);
}

export async function resume(tab, run, set = []) {
  await tab.send({ Engine: { Resume: { run, checkpoint: null, set } } });
}

/// Waits for a run's end, at step `last` where that is said.
export async function finish(tab, name, seconds = 60, last = undefined) {
  const ended = (run) => run?.finished && (last === undefined || run.step === last);
  const state = await tab.until(`the end of ${name}`, seconds, (state) => ended(record(state, name)));
  return record(state, name);
}

export async function stop(tab, name) {
  await tab.send({ Engine: { Tell: { command: "stop_and_save" } } });
  await tab.until(`${name} is stopped`, 60, (state) => state.live === null);
}

/// A run as the page saves it.
export async function zipOf(tab, run) {
  const path = join(tab.downloads, `${run}.zip`);
  rmSync(path, { force: true });
  await tab.send({ Library: { Save: { name: `${run}.zip`, what: { Zip: run } } } });
  await waitFor(`${run}.zip is downloaded`, 30, () => existsSync(path));
  return readFileSync(path);
}

/// Drops a file into the page.
export async function drop(tab, name, bytes) {
  await tab.value(`fetch("data:application/octet-stream;base64,${bytes.toString("base64")}")
    .then((answer) => answer.arrayBuffer()).then((bytes) => window.sasr.drop("${name}", new Uint8Array(bytes)))`);
}

/// What the page asks over the studio, once it does.
export async function question(tab) {
  await waitFor("the page asks", 60, () => tab.value("!document.getElementById('word').hidden"));
  return tab.value("document.getElementById('word-text').textContent");
}

export const answer = (tab, label) =>
  tab.value(`[...document.querySelectorAll("#word button")].find((one) => one.textContent.endsWith("${label}")).click()`);

/// Runs the desktop program; SwiftShader stands in for its graphics card, as for the browser's.
export async function sasr(...words) {
  const program = process.env.SASR;
  if (!existsSync(program)) throw new Error(`${program} is missing: cargo build --release, or SASR=path/to/sasr`);
  const drivers = process.env.VK_DRIVER_FILES ?? "/usr/lib/chromium/vk_swiftshader_icd.json";
  const { stdout } = await promisify(execFile)(program, words, { env: { ...process.env, VK_DRIVER_FILES: drivers } });
  return stdout;
}

/// The lines of a run's log.
export const lines = (text) => String(text).trim().split("\n").map((line) => JSON.parse(line));

export async function waitFor(what, seconds, holds) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(100)) if (await holds()) return;
  throw new Error(`${what}: not within ${seconds} s`);
}
