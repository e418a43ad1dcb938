// Runs that go from the browser to the desktop and back.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync, existsSync } from "node:fs";
import { join } from "node:path";

import { drop, finish, folder, lines, long, note, picture, record, resume, sasr, stop, tiny, visit, zipOf } from "./shared.mjs";
import { pack, unpack, unzip } from "./zip.mjs";

/// The log begins as it was, and then every step follows once, up to `last`.
function assertGoesOn(before, after, last) {
  assert.ok(String(after).startsWith(String(before)), "the log begins as it was");
  const steps = lines(after).map((line) => line.step);
  assert.deepEqual(steps, Array.from({ length: last }, (_, index) => index + 1), "every step is there once");
  assert.ok(lines(after).every((line) => Number.isFinite(line.loss)));
}

/// Goes on with a run in the page until `last`; returns its files.
async function goOnInPage(tab, run, last) {
  await resume(tab, run, [`max_steps=${last}`]);
  const seen = await finish(tab, run, 60, last);
  assert.equal(seen.error, null);
  return unzip(await zipOf(tab, run));
}

async function dropRun(tab, path, run) {
  await drop(tab, `${run}.zip`, pack(path));
  const state = await tab.until(`${run} is there`, 30, (state) => state.runs.some((card) => card.key === run));
  return state.runs.find((card) => card.key === run);
}

export const desktop = {
  async "a run of the browser is opened and gone on with on the desktop, and comes back"() {
    const tab = await visit();
    await tab.send({ Train: long("traveller") });
    await tab.until("some steps", 60, (state) => record(state, "traveller")?.step > 10);
    await stop(tab, "traveller");
    const stood = record(await tab.state(), "traveller").step;
    const out = folder();
    unpack(await zipOf(tab, "traveller"), out);
    const run = join(out, "traveller");
    const log = () => readFileSync(join(run, "metrics.jsonl"));
    const first = log();
    assertGoesOn("", first, stood);

    assert.match(await sasr("eval", run), /accuracy/i);
    await sasr("report", run);
    assert.ok(readFileSync(join(run, "report.html"), "utf8").includes("traveller"));
    await sasr("train", "--resume", run, "--set", `max_steps=${stood + 6}`);
    const second = log();
    assertGoesOn(first, second, stood + 6);

    await tab.send({ Library: { Delete: "traveller" } });
    await tab.until("it is gone", 20, (state) => !state.runs.some((card) => card.key === "traveller"));
    const card = await dropRun(tab, run, "traveller");
    assert.deepEqual([card.step, card.finished], [stood + 6, true]);
    const files = await goOnInPage(tab, "traveller", stood + 12);
    assertGoesOn(second, files.get("traveller/metrics.jsonl"), stood + 12);
    note(`${stood} steps in the browser, 6 on the desktop, 6 in the browser`);
    await picture(tab, "12-traveller");
    await tab.close();
  },

  async "a run of the desktop is opened and gone on with in the browser"() {
    const out = folder();
    writeFileSync(join(out, "native.toml"), tiny("native"));
    await sasr("train", join(out, "native.toml"), "--out", out);
    const run = join(out, "native");
    assert.ok(existsSync(join(run, "checkpoints/step-000024")));
    const tab = await visit();
    const card = await dropRun(tab, run, "native");
    assert.deepEqual([card.step, card.finished], [24, true]);
    const files = await goOnInPage(tab, "native", 32);
    assertGoesOn(readFileSync(join(run, "metrics.jsonl")), files.get("native/metrics.jsonl"), 32);
    await tab.close();
  },
};
