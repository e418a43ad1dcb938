// The page in a real browser: each test says what a user would see. Pictures of what was seen are
// left in tests/browser/pictures.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateRawSync } from "node:zlib";

import { Browser, sleep } from "./browser.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const pictures = join(here, "pictures");
rmSync(pictures, { recursive: true, force: true });
mkdirSync(pictures, { recursive: true });
const downloads = mkdtempSync(join(tmpdir(), "sasr-downloads-"));

/// The smallest run in which everything happens.
const tiny = (name, set = "") => `
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
const long = (name, set = "") => tiny(name, set).replace("max_steps = 24", "max_steps = 4000");

const server = spawn(process.env.SERVE ?? join(here, "../../web/serve"), ["0"], { stdio: ["ignore", "pipe", "inherit"] });
const address = await new Promise((done, failed) => {
  server.stdout.once("data", (line) => done(String(line).trim()));
  server.once("exit", () => failed(new Error("the server has ended")));
});

const browser = Browser.start();
await browser.call("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: downloads });
let tab = await browser.open(address);

const record = (state, name) => state.records?.[name];
const stop = async (name) => {
  await tab.send({ Engine: { Tell: { command: "stop_and_save" } } });
  await tab.until(`${name} is stopped`, 60, (state) => state.live === null);
};

const tests = {
  async "the page shows itself at once, then the studio"() {
    await tab.ready();
    const paint = await tab.value("performance.getEntriesByType('paint').find((e) => e.name === 'first-contentful-paint')?.startTime");
    const started = await tab.value("performance.now()");
    note(`first paint after ${Math.round(paint)} ms, studio within ${Math.round(started)} ms`);
    assert.ok(paint < 1000, `first paint after ${paint} ms`);
    const worker = await tab.value("window.sasr.worker");
    note(`storage: ${worker.storage}; adapter: ${JSON.stringify(worker.adapter)}`);
    assert.equal(worker.storage, "private files");
    const state = await tab.until("the first frames", 20, (state) => state.frames > 2);
    assert.equal(state.place, "Start");
    await tab.picture(join(pictures, "1-start.png"));
  },

  async "a lesson gets from its start to an explained decision within a minute"() {
    const begun = Date.now();
    await tab.send({ Preset: "lesson_balance.toml" });
    const state = await tab.until("a decision", 60, (state) => /p = |log-odds|α|alpha/.test(record(state, "lesson-balance")?.decision ?? ""));
    const seen = record(state, "lesson-balance");
    note(`a decision after ${((Date.now() - begun) / 1000).toFixed(1)} s on ${seen.device}: ${seen.decision}`);
    await tab.until("frames while training", 30, (state) => state.frames > 90);
    const { frame_ms_p95 } = await tab.state();
    note(`${frame_ms_p95.toFixed(1)} ms of work a frame (95th percentile) while training`);
    await tab.picture(join(pictures, "2-lesson.png"));
    await stop("lesson-balance");
  },

  async "a run trains in the worker on the CPU to its end"() {
    await tab.send({ Train: tiny("cpu-run") });
    const state = await tab.until("the end", 60, (state) => record(state, "cpu-run")?.finished);
    const seen = record(state, "cpu-run");
    assert.equal(seen.step, 24);
    assert.equal(seen.device, "cpu");
    assert.equal(seen.error, null);
    assert.ok(seen.losses.every(Number.isFinite));
  },

  async "it is paused, stepped and resumed within a unit of work"() {
    await tab.send({ Train: long("paused") });
    await tab.until("some steps", 60, (state) => record(state, "paused")?.step > 3);
    const asked = Date.now();
    await tab.send({ Engine: { Tell: { command: "pause" } } });
    const paused = await tab.until("the pause", 10, (state) => record(state, "paused")?.motion === "paused");
    note(`paused after ${Date.now() - asked} ms`);
    await sleep(700);
    const later = await tab.state();
    assert.equal(record(later, "paused").step, record(paused, "paused").step);
    await tab.send({ Engine: { Tell: { command: "single_step" } } });
    const stepped = await tab.until("one step", 10, (state) => record(state, "paused").step > record(later, "paused").step);
    assert.equal(record(stepped, "paused").step, record(later, "paused").step + 1);
    await tab.send({ Engine: { Tell: { command: "resume" } } });
    await tab.until("more steps", 30, (state) => record(state, "paused").step > record(stepped, "paused").step + 3);
  },

  async "a reload keeps the runs, and a run goes on where it stood"() {
    const before = await tab.until("checkpoints are kept", 30, (state) => record(state, "paused").step > 16);
    await sleep(1500);
    await tab.reload();
    const listed = await tab.until("the list", 20, (state) => state.runs?.length >= 3);
    assert.deepEqual(listed.runs.map((run) => run.key).sort(), ["cpu-run", "lesson-balance", "paused"]);
    await tab.send({ Engine: { Resume: { run: "paused", checkpoint: null, set: [] } } });
    const state = await tab.until("it goes on", 30, (state) => state.live === "paused" && record(state, "paused")?.step > record(before, "paused").step);
    note(`stood at step ${record(before, "paused").step} before the reload`);
    assert.equal(record(state, "paused").motion, "training");
    await tab.picture(join(pictures, "3-resumed.png"));
  },

  async "a worker that breaks down is replaced, and its run goes on"() {
    const before = await tab.state();
    await tab.value("window.sasr.breakWorker()");
    const state = await tab.until("it goes on", 60, (state) => state.live === "paused" && record(state, "paused")?.motion === "training"
      && record(state, "paused").step > record(before, "paused").step);
    assert.equal(await tab.value("window.sasr.restarts"), 1);
    note(`words: ${state.words.join(" | ")}`);
    await tab.picture(join(pictures, "4-replaced.png"));
    await stop("paused");
  },

  async "a run is saved as a zip, deleted, and opened again"() {
    await tab.send({ Library: { Save: { name: "cpu-run.zip", what: { Zip: "cpu-run" } } } });
    const zip = join(downloads, "cpu-run.zip");
    await waitFor("the download", 30, () => readdirSync(downloads).includes("cpu-run.zip"));
    const bytes = readFileSync(zip);
    const text = bytes.toString("latin1");
    for (const name of ["cpu-run/config.toml", "cpu-run/manifest.json", "cpu-run/metrics.jsonl", "step-000024/model.safetensors"]) {
      assert.ok(text.includes(name), `${name} is in the zip`);
    }
    note(`${bytes.length} bytes`);
    await tab.send({ Library: { Delete: "cpu-run" } });
    await tab.until("it is gone", 20, (state) => !state.runs.some((run) => run.key === "cpu-run"));
    await tab.value(`fetch("data:application/zip;base64,${bytes.toString("base64")}").then((answer) => answer.arrayBuffer())
      .then((bytes) => window.sasr.drop("cpu-run.zip", new Uint8Array(bytes)))`);
    const state = await tab.until("it is back", 30, (state) => state.runs.some((run) => run.key === "cpu-run"));
    const card = state.runs.find((run) => run.key === "cpu-run");
    assert.deepEqual([card.step, card.finished], [24, true]);
    const sasr = process.env.SASR;
    if (sasr) {
      // The desktop reads what the browser wrote.
      await finished(spawn("python3", ["-m", "zipfile", "-e", zip, downloads]));
      await finished(spawn(sasr, ["report", join(downloads, "cpu-run")], { stdio: "ignore" }));
    }
  },

  async "a link opens with its configuration in the form"() {
    const packed = deflateRawSync('name = "from-a-link"\nmax_steps = 400\n').toString("base64url");
    await tab.close();
    tab = await browser.open(`${address}#config=${packed}`);
    await tab.ready();
    await tab.until("the form", 20, (state) => state.place === "Configure");
    await sleep(500);
    await tab.picture(join(pictures, "5-link.png"));
    assert.equal(await tab.value("location.hash"), "");
  },

  async "a second tab says that it keeps nothing"() {
    const second = await browser.open(address);
    await second.ready();
    const state = await second.until("the words", 20, (state) => state.words?.some((word) => word.includes("another tab")));
    assert.ok(state.runs.length >= 3 || (await second.until("the list", 20, (state) => state.runs.length >= 3)));
    await second.picture(join(pictures, "6-second-tab.png"));
    await second.close();
  },

  async "a run trains in the worker on WebGPU, with the CPU's losses"() {
    const set = "[logging]\ncompletions_every = 0\n";
    const short = (name, device) => tiny(name, "").replace("max_steps = 24", "max_steps = 3").replace('"cpu"', `"${device}"`)
      .replace("problems = 4\nsamples", "problems = 0\nsamples").replace("every = 8", "every = 0").replace("warmup_steps = 4\ng_warm_window = 4", "warmup_steps = 2\ng_warm_window = 2") + set;
    await tab.send({ Train: short("short-cpu", "cpu") });
    const cpu = record(await tab.until("the CPU's run", 60, (state) => record(state, "short-cpu")?.finished), "short-cpu");
    const begun = Date.now();
    await tab.send({ Train: short("short-gpu", "gpu") });
    const state = await tab.until("the card's run", 170, (state) => record(state, "short-gpu")?.finished
      || state.words?.some((word) => word.includes("short-gpu")));
    const gpu = record(state, "short-gpu");
    assert.ok(gpu?.finished, `it trains: ${state.words.join(" | ")}`);
    note(`${gpu.step} steps on ${gpu.device} in ${((Date.now() - begun) / 1000).toFixed(1)} s; losses ${gpu.losses} against ${cpu.losses}`);
    assert.equal(gpu.device, "gpu");
    for (const [step, loss] of gpu.losses.entries()) assert.ok(Math.abs(loss - cpu.losses[step]) < 1e-3);
    await tab.picture(join(pictures, "7-webgpu.png"));
  },

  async "a card that is lost is told, and the run goes on on the CPU if the user wants"() {
    await tab.send({ Train: long("card", "").replace('"cpu"', '"gpu"') });
    await tab.until("a checkpoint on the card", 170, (state) => record(state, "card")?.step >= 5);
    await tab.value("window.sasr.loseCard()");
    await waitFor("the question", 30, () => tab.value("!document.getElementById('word').hidden"));
    await tab.picture(join(pictures, "8-card-lost.png"));
    assert.ok((await tab.value("document.getElementById('word-text').textContent")).includes("graphics card was lost"));
    await tab.value("[...document.querySelectorAll('#word button')].find((one) => one.textContent.endsWith('on the CPU')).click()");
    const state = await tab.until("it goes on", 60, (state) => state.live === "card" && record(state, "card").device === "cpu"
      && record(state, "card").step > 5);
    assert.equal(record(state, "card").motion, "training");
    await stop("card");
  },
};

const notes = [];
const note = (text) => notes.push(text);

async function waitFor(what, seconds, holds) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(100)) if (await holds()) return;
  throw new Error(`${what}: not within ${seconds} s`);
}

const finished = (child) =>
  new Promise((done, failed) => child.on("exit", (code) => (code === 0 ? done() : failed(new Error(`ended with ${code}`)))));

let passed = 0;
let failed = 0;
const wanted = process.argv[2] ?? "";
for (const [name, test] of Object.entries(tests)) {
  if (!name.includes(wanted)) continue;
  const begun = Date.now();
  try {
    await tab.ready();
    await test();
    passed += 1;
    console.log(`ok    ${name} (${((Date.now() - begun) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL  ${name}\n      ${error.stack}`);
    console.log(tab.said.slice(-12).map((line) => `      > ${line}`).join("\n"));
    await tab.picture(join(pictures, `failed-${failed}.png`)).catch(() => {});
  }
  notes.splice(0).forEach((text) => console.log(`      ${text}`));
}
await browser.close();
server.kill();
rmSync(downloads, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
