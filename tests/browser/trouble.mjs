// What goes wrong in a browser, and tabs that nobody looks at.

import assert from "node:assert/strict";

import { sleep } from "./browser.mjs";
import { answer, browser, finish, long, note, picture, question, record, resume, tiny, train, visit, waitFor, zipOf } from "./shared.mjs";
import { unzip } from "./zip.mjs";

/// Trains until a checkpoint is in the storage; returns what surely is there.
async function underWay(tab, config, seconds = 60) {
  const name = /name = "(.*)"/.exec(config)[1];
  await tab.send({ Train: config });
  const state = await tab.until(`${name} has a checkpoint`, seconds, (state) => record(state, name)?.step >= 5);
  // What is being kept now may have been taken before that; what follows was not.
  const kept = await tab.value("window.sasr.kept");
  await waitFor("it is kept", 20, async () => (await tab.value("window.sasr.kept")) > kept + 1);
  return state;
}

/// The step of the newest checkpoint at a step.
const checkpoint = (step) => step - (step % 4);

const goesOn = (tab, name, beyond) =>
  tab.until(`${name} goes on`, 60, (state) => state.live === name && record(state, name)?.motion === "training" && record(state, name).step > beyond);

export const trouble = {
  async "a tab that is hidden goes on training, and shows it when it is looked at again"() {
    const tab = await visit();
    const seen = record(await underWay(tab, long("hidden")), "hidden");
    const { targetId } = await browser.call("Target.createTarget", { url: "about:blank", browserContextId: tab.visitor });
    await waitFor("the tab is hidden", 10, () => tab.value("document.hidden"));
    // What had been said before is taken in first.
    await sleep(4000);
    const hidden = await tab.state();
    await sleep(4000);
    const later = await tab.state();
    assert.equal(later.frames, hidden.frames, "nothing is drawn");
    const [from, to] = [hidden, later].map((state) => record(state, "hidden").step);
    note(`from step ${seen.step} hidden, ${to - from} steps in 4 s`);
    assert.ok(to > from + 4, `${from} to ${to}`);
    await browser.call("Target.closeTarget", { targetId });
    await tab.call("Page.bringToFront");
    await waitFor("the tab is shown", 10, async () => !(await tab.value("document.hidden")));
    const shown = await tab.until("it is drawn", 10, (state) => state.frames > later.frames + 2);
    assert.ok(record(shown, "hidden").step >= to);
    await picture(tab, "7-shown-again");
    await tab.close();
  },

  async "memory that is not enough is said in plain words, and the run goes on"() {
    const tab = await visit();
    // Room for one answer of 65,000 tokens is 4 MB: that for 400 of them cannot be had.
    await train(tab, tiny("earlier"));
    const before = record(await underWay(tab, long("short").replace("embeddings = 48", "embeddings = 65536")), "short");
    const question = { what: { Problem: { level: 1, index: 0 } }, samples: 400, temperature: 1, max_completion_length: 65_000, seed: 0 };
    await tab.send({ Engine: { Sample: { ticket: 1, subject: "Live", question } } });
    const told = await tab.until("it is told", 90, (state) => state.words.some((word) => word.includes("broke off")));
    const words = told.words.find((word) => word.includes("broke off"));
    note(`words: ${words}`);
    assert.match(words, /memory of this page was not enough .*no memory for a piece of \d+ MB beside/);
    await goesOn(tab, "short", before.step);
    assert.equal(await tab.value("window.sasr.restarts"), 1);
    const files = unzip(await zipOf(tab, "earlier"));
    assert.ok(files.has("earlier/checkpoints/step-000024/model.safetensors"), "nothing that was kept is lost");
    await picture(tab, "8-memory");
    await tab.close();
  },

  async "a worker that breaks down is replaced; after three times the user is asked"() {
    const tab = await visit();
    const before = record(await underWay(tab, long("broken")), "broken");
    await tab.value("window.sasr.breakWorker()");
    const { words } = await tab.until("it is told", 30, (state) => state.words.includes("Going on with broken from what was kept of it"));
    note(`words: ${words.join(" | ")}`);
    await goesOn(tab, "broken", checkpoint(before.step));
    assert.equal(await tab.value("window.sasr.restarts"), 1);
    await picture(tab, "9-replaced");
    // The third one breaks down before it has begun.
    await tab.value("window.sasr.breakWorker(), window.sasr.breakWorker()");
    assert.match(await question(tab), /again and again .*What was kept is safe/);
    await picture(tab, "10-asked");
    await answer(tab, "Go on with broken");
    await goesOn(tab, "broken", checkpoint(before.step));
    await tab.close();
  },

  async "what broke down before anything of it was kept is said to be gone"() {
    const tab = await visit({ before: "delete StorageManager.prototype.getDirectory; indexedDB.open = () => { throw new Error('no storage'); };" });
    assert.equal(await tab.value("window.sasr.worker.storage"), null);
    await tab.until("the words", 20, (state) => state.words.some((word) => word.includes("keeps nothing for this page")));
    await tab.send({ Train: long("lost") });
    await tab.until("it trains", 60, (state) => record(state, "lost")?.step > 4);
    await tab.value("window.sasr.breakWorker()");
    await tab.until("the words", 20, (state) => state.words.some((word) => word.startsWith("Nothing of lost had been kept yet")));
    // The words may come a frame before.
    await tab.until("nothing trains", 20, (state) => state.live === null);
    await tab.close();
  },

  async "without private files the runs are kept in a database"() {
    const tab = await visit({ before: "delete StorageManager.prototype.getDirectory;" });
    assert.equal(await tab.value("window.sasr.worker.storage"), "database");
    const whole = await train(tab, tiny("whole"));
    const before = record(await underWay(tab, long("kept")), "kept");
    await tab.reload();
    assert.equal(await tab.value("window.sasr.worker.storage"), "database");
    const { runs } = await tab.until("the list", 20, (state) => state.runs?.length === 2);
    const steps = Object.fromEntries(runs.map((run) => [run.key, run.step]));
    assert.equal(steps.whole, 24);
    assert.ok(steps.kept >= checkpoint(before.step), `${steps.kept} of ${before.step}`);
    await resume(tab, "kept", [`max_steps=${steps.kept + 8}`]);
    const seen = await finish(tab, "kept", 60, steps.kept + 8);
    assert.deepEqual(seen.losses.slice(0, 4), whole.losses.slice(0, 4), "what was read back is what was trained");
    await tab.close();
  },

  async "a card that is lost is told, and the run goes on on the CPU if the user wants"() {
    const tab = await visit();
    await underWay(tab, long("card").replace('"cpu"', '"gpu"'), 170);
    await tab.value("window.sasr.loseCard()");
    assert.match(await question(tab), /graphics card was lost/);
    await picture(tab, "11-card-lost");
    await answer(tab, "on the CPU");
    const state = await tab.until("it goes on", 60, (state) => state.live === "card" && record(state, "card").device === "cpu"
      && record(state, "card").step > 5);
    assert.equal(record(state, "card").motion, "training");
    await tab.close();
  },
};
