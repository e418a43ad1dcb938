// What a step of each preset costs, natively and in the browser: a table for docs/PERFORMANCE.md. Not
// part of the usual tests.

import assert from "node:assert/strict";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { browser, drop, finish, folder, lines, note, resume, sasr, train, visit, zipOf } from "./shared.mjs";
import { pack, unzip } from "./zip.mjs";

/// The first needs data; the second has the quickstart's sizes.
const LEFT_OUT = ["gsm8k.toml", "published_rule.toml"];

/// Measured on cards as well. All of them would take long where software stands in for a card.
const ON_CARDS = ["quickstart.toml", "lesson_balance.toml"];

const STEPS = 60;
const WARMUP = 10;

/// A run for a card takes these steps on the CPU, as few as can be with such a warm-up, and some more
/// on the card.
const BEGINNING = WARMUP + 1;
const ON_CARD = 20;

/// So many steps of either kind are not counted: the first ones are slower.
const LEAD = 2;

/// Makes a preset short. It has no exam before it ends: with none at all, levels could not open. After the
/// warm-up a coin decides between SFT and GRPO, so both occur in each preset, and at the same steps on
/// each device.
const SHORT = [
  `max_steps=${STEPS}`, 'device="cpu"', "seed=0",
  'balance.method="sasr"', `balance.warmup_steps=${WARMUP}`, "balance.p_min=0.5", "balance.p_max=0.5",
  "exam.every=1000", "evaluation.problems=0", "checkpoint.every=0",
];

const MINUTE = 60;

const configs = join(import.meta.dirname, "../../configs");

const set = (assignments) => assignments.flatMap((assignment) => ["--set", assignment]);

/// The complete text of a preset's configuration.
const resolved = (file, assignments) => sasr("check", join(configs, file), "--resolved", ...set(assignments));

const nameIn = (config) => /name = "(.*)"/.exec(config)[1];

async function trainNatively(config, out) {
  const run = join(out, nameIn(config));
  writeFileSync(`${run}.toml`, config);
  await sasr("train", `${run}.toml`, "--out", out);
  return run;
}

async function onNativeCpu(config, out) {
  const run = await trainNatively(config, out);
  return costs((file) => readFileSync(join(run, file)));
}

async function onBrowserCpu(config) {
  const tab = await visit();
  const seen = await train(tab, config, 60 * MINUTE);
  assert.deepEqual([seen.error, seen.device], [null, "cpu"]);
  const files = unzip(await zipOf(tab, nameIn(config)));
  await tab.close();
  return costs((file) => files.get(`${nameIn(config)}/${file}`));
}

/// What a run on a CPU is told to go on with on a card.
const TO_CARD = ['device="gpu"', `max_steps=${BEGINNING + ON_CARD}`];

async function onNativeCard(run) {
  await sasr("train", "--resume", run, ...set(TO_CARD));
  return costs((file) => readFileSync(join(run, file)), BEGINNING);
}

async function onBrowserCard(name, bytes) {
  const tab = await visit();
  await drop(tab, `${name}.zip`, bytes);
  await tab.until(`${name} is there`, MINUTE, (state) => state.runs.some((card) => card.key === name));
  await resume(tab, name, TO_CARD);
  const seen = await finish(tab, name, 60 * MINUTE, BEGINNING + ON_CARD);
  assert.deepEqual([seen.error, seen.device], [null, "gpu"]);
  const files = unzip(await zipOf(tab, name));
  await tab.close();
  return costs((file) => files.get(`${name}/${file}`), BEGINNING);
}

/// What the steps of a run cost after step `after`, by its files.
function costs(read, after = 0) {
  const steps = lines(read("metrics.jsonl"));
  steps.forEach((step, index) => (step.tokens = step.num_tokens - (steps[index - 1]?.num_tokens ?? 0)));
  const of = (branch) => cost(branch, steps.slice(after).filter((step) => step.branch === branch).slice(LEAD));
  return { base: JSON.parse(read("manifest.json")).base_seconds, sft: of("sft"), grpo: of("grpo") };
}

function cost(branch, steps) {
  assert.ok(steps.length >= 3, `${steps.length} steps of ${branch} are too few`);
  const times = steps.map((step) => step.step_time).sort((a, b) => a - b);
  const sum = (values) => values.reduce((sum, value) => sum + value, 0);
  return {
    count: steps.length,
    seconds: (times[Math.floor((times.length - 1) / 2)] + times[Math.floor(times.length / 2)]) / 2,
    speed: sum(steps.map((step) => step.tokens)) / sum(times),
  };
}

const rows = [];

const whole = (number) => Math.round(number).toLocaleString("en-US");
const rounded = (number) => (number < 100 ? number.toPrecision(3) : whole(number));

/// Adds a row; `native` is what the browser is compared with.
function add(preset, device, { base, sft, grpo }, native = null) {
  const cells = [sft, grpo].flatMap(({ seconds, speed }) => [rounded(1 / seconds), whole(speed)]);
  const ratios = native ? [sft.speed / native.sft.speed, grpo.speed / native.grpo.speed] : [];
  const compared = ratios.map((ratio) => ratio.toFixed(2)).join(", ");
  rows.push([preset, device, base === null ? "" : base.toFixed(1), ...cells, compared]);
  const median = ({ count, seconds }) => `${seconds.toPrecision(3)} s (of ${count})`;
  note(`${device}: the median SFT step takes ${median(sft)}, the median GRPO step ${median(grpo)}`);
}

async function measure(file, cards) {
  const preset = file.replace(".toml", "");
  const out = folder();
  const config = await resolved(file, SHORT);
  const native = await onNativeCpu(config, out);
  add(preset, "native CPU", native);
  add(preset, "browser CPU", await onBrowserCpu(config), native);
  if (!cards || !ON_CARDS.includes(file)) return;

  // The base model is there already.
  const beginning = await resolved(file, [...SHORT, `max_steps=${BEGINNING}`, `name="${preset}-card"`]);
  const run = await trainNatively(beginning, out);
  const bytes = pack(run);
  const card = { ...(await onNativeCard(run)), base: null };
  add(preset, "native card", card);
  add(preset, "browser WebGPU", { ...(await onBrowserCard(nameIn(beginning), bytes)), base: null }, card);
}

const all = readdirSync(configs).filter((file) => !LEFT_OUT.includes(file));

/// A measurement for each preset.
export const presets = (cards) => Object.fromEntries(all.map((file) => [`${file} is measured`, () => measure(file, cards)]));

const HEAD = [
  "preset", "device", "base model, s", "SFT steps/s", "SFT tokens/s", "GRPO steps/s", "GRPO tokens/s",
  "browser/native (SFT, GRPO)",
];

/// What was measured, in Markdown.
export async function table() {
  const { product } = await browser.call("Browser.getVersion");
  const devices = (await sasr("devices")).trim().split("\n").map((line) => line.replace(/ +/, ": "));
  const line = (cells) => `|${cells.map((cell) => (cell ? ` ${cell} ` : " ")).join("|")}|`;
  return [
    `${product}; ${devices.join("; ")}. Steps/s are those of the median step; tokens/s, and the ratios, are of all steps.`,
    "", line(HEAD), `|${"---|".repeat(HEAD.length)}`, ...rows.map(line),
  ].join("\n");
}
