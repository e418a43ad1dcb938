// The page as a user meets it, in one visit: loading, a lesson, pause, reload, zip, link, second tab.

import assert from "node:assert/strict";
import { deflateRawSync } from "node:zlib";

import { sleep } from "./browser.mjs";
import { address, browser, drop, long, note, picture, record, resume, stop, tiny, train, visit, zipOf } from "./shared.mjs";
import { unzip } from "./zip.mjs";

let tab;

/// Where the buttons are in a window of this size.
const START = [214, 179];
const LESSON_START = [159, 399];

export const page = {
  async "the page shows itself at once, then the studio"() {
    tab = await visit();
    const paint = await tab.value("performance.getEntriesByType('paint').find((e) => e.name === 'first-contentful-paint')?.startTime");
    const started = await tab.value("performance.now()");
    note(`first paint after ${Math.round(paint)} ms, studio within ${Math.round(started)} ms`);
    assert.ok(paint < 1000, `first paint after ${paint} ms`);
    const worker = await tab.value("window.sasr.worker");
    note(`storage: ${worker.storage}; adapter: ${JSON.stringify(worker.adapter)}`);
    assert.equal(worker.storage, "private files");
    const state = await tab.until("the first frames", 20, (state) => state.frames > 2);
    assert.equal(state.place, "Start");
    await picture(tab, "1-start");
  },

  async "a lesson gets from its start to an explained decision"() {
    const begun = Date.now();
    await tab.click(...LESSON_START);
    const state = await tab.until("a decision", 240, (state) => /p = |log-odds|α|alpha/.test(record(state, "lesson-balance")?.decision ?? ""));
    const seen = record(state, "lesson-balance");
    note(`a decision after ${((Date.now() - begun) / 1000).toFixed(1)} s on ${seen.device}: ${seen.decision}`);
    await tab.until("frames while training", 30, (state) => state.frames > 90);
    const { frame_ms_p95 } = await tab.state();
    note(`${frame_ms_p95.toFixed(1)} ms of work a frame (95th percentile) while training`);
    await picture(tab, "2-lesson");
    await stop(tab, "lesson-balance");
  },

  async "a click on Start trains the quickstart"() {
    const other = await visit();
    await other.until("the first frames", 20, (state) => state.frames > 2);
    await other.click(...START);
    const state = await other.until("it trains", 20, (state) => record(state, state.live)?.base > 0);
    assert.equal(state.live, "quickstart");
    assert.equal(state.place, "Balance");
    await other.close();
  },

  async "a run trains in the worker on the CPU to its end"() {
    const seen = await train(tab, tiny("cpu-run"));
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
    await resume(tab, "paused");
    const state = await tab.until("it goes on", 30, (state) => state.live === "paused" && record(state, "paused")?.step > record(before, "paused").step);
    note(`stood at step ${record(before, "paused").step} before the reload`);
    assert.equal(record(state, "paused").motion, "training");
    await picture(tab, "3-resumed");
  },

  async "a run is saved as a zip, deleted, and opened again"() {
    const bytes = await zipOf(tab, "cpu-run");
    const files = unzip(bytes);
    for (const name of ["config.toml", "manifest.json", "metrics.jsonl", "checkpoints/step-000024/model.safetensors"]) {
      assert.ok(files.has(`cpu-run/${name}`), `${name} is in the zip: ${[...files.keys()]}`);
    }
    note(`${bytes.length} bytes`);
    await tab.send({ Library: { Delete: "cpu-run" } });
    await tab.until("it is gone", 20, (state) => !state.runs.some((run) => run.key === "cpu-run"));
    await drop(tab, "cpu-run.zip", bytes);
    const state = await tab.until("it is back", 30, (state) => state.runs.some((run) => run.key === "cpu-run"));
    const card = state.runs.find((run) => run.key === "cpu-run");
    assert.deepEqual([card.step, card.finished], [24, true]);
  },

  async "a link opens with its configuration in the form"() {
    const packed = deflateRawSync('name = "from-a-link"\nmax_steps = 400\n').toString("base64url");
    const link = await visit({ address: `${address}#config=${packed}` });
    await link.until("the form", 20, (state) => state.place === "Configure");
    await sleep(500);
    await picture(link, "5-link");
    assert.equal(await link.value("location.hash"), "");
    await link.close();
  },

  async "a second tab says that it keeps nothing"() {
    const second = await browser.open(address, { visitor: tab.visitor });
    await second.ready();
    const state = await second.until("the words", 20, (state) => state.words?.some((word) => word.includes("another tab")));
    assert.ok(state.runs.length >= 3 || (await second.until("the list", 20, (state) => state.runs.length >= 3)));
    await picture(second, "6-second-tab");
    await second.close();
    await tab.close();
  },
};
