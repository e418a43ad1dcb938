// The worker: trains and keeps the runs. It begins the same module as the page, and goes round
// between a unit of work, the page's messages and the browser's storage.
//
// From the page: { start: { module, device, run } } first, then bytes, or { ping }, { loseCard }.
// To the page:   bytes, or { ready }, { kept }, { broke }, { pong }.

import init, { Trainer, lastPanic } from "./sasr.js";
import { openStorage } from "./storage.js";

/// Milliseconds between two times that what changed is brought to the storage.
const KEEP_EVERY = 1000;
/// Milliseconds that another tab, which may be closing, is waited for.
const LOCK_PATIENCE = 3000;
/// Milliseconds that the storage is waited for when the program has broken down.
const LAST_PATIENCE = 3000;

let trainer;
let storage;
let waker = null;
let keptAt = 0;
let keeping = null;
let broken = false;
const early = [];

const post = (bytes) => self.postMessage(bytes, [bytes.buffer]);

// A turn of the browser's own loop, without the 4 ms that timers take.
const channel = new MessageChannel();
const resting = [];
channel.port1.onmessage = () => resting.shift()?.();
const rest = () =>
  new Promise((done) => {
    resting.push(done);
    channel.port2.postMessage(null);
  });

self.onmessage = ({ data }) => {
  if (data instanceof Uint8Array) return hear(data);
  if (data.ping !== undefined) return self.postMessage({ pong: data.ping });
  // For tests: a card that is lost.
  if (data.loseCard) return card?.destroy();
  if (data.start) begin(data.start).catch(broke);
};

function hear(bytes) {
  if (broken) return;
  if (!trainer) return early.push(bytes);
  try {
    trainer.hear(bytes);
  } catch (error) {
    broke(error);
  }
  waker?.();
}

async function begin({ module, device, run }) {
  // See web/build.
  (await init({ module_or_path: module })).__wasm_call_ctors();
  const made = new Trainer({ post, rest }, device ?? undefined);
  const ready = { adapter: await adapter(), storage: null, why: null };
  const damaged = await openFiles(made, ready);
  ready.keepsRun = !damaged && run !== null && made.keeps(run);
  self.postMessage({ ready });
  if (damaged) return;
  trainer = made;
  early.splice(0).forEach(hear);
  await goRound();
}

/// Fills the tree from the storage. Where it cannot be kept, `ready.why` says so.
async function openFiles(made, ready) {
  const alone = await onlyTab();
  try {
    storage = await openStorage((file, bytes, changed) => made.put(file, bytes, changed));
    ready.storage = storage.kind;
  } catch (error) {
    ready.why = `This browser keeps nothing for this page (${error.message}): save what you want to ` +
      "keep as a zip, runs are gone when the page is closed or reloaded.";
  }
  try {
    made.open();
  } catch (error) {
    ready.why = String(error);
    ready.damaged = true;
    return true;
  }
  if (!alone) {
    storage = null;
    ready.why = "The studio is open in another tab, which keeps the runs: this one shows them, and " +
      "what is trained here is gone when it is closed.";
  }
  return false;
}

/// Holds a lock as long as the worker lives; also keeps the browser from freezing a hidden tab.
function onlyTab() {
  if (!navigator.locks) return Promise.resolve(true);
  return new Promise((answer) => {
    navigator.locks
      .request("sasr-studio", { signal: AbortSignal.timeout(LOCK_PATIENCE) }, () => {
        answer(true);
        return new Promise(() => {});
      })
      .catch(() => answer(false));
  });
}

/// What WebGPU says of its adapter, for the page to show.
async function adapter() {
  if (!navigator.gpu) return null;
  try {
    const found = await navigator.gpu.requestAdapter();
    const { vendor, architecture, device, description, isFallbackAdapter } = found.info;
    return { vendor, architecture, device, description, fallback: isFallbackAdapter ?? found.isFallbackAdapter };
  } catch {
    return null;
  }
}

async function goRound() {
  while (!broken) {
    const pause = await trainer.turn();
    if (pause > 0 || performance.now() - keptAt > KEEP_EVERY) keep();
    await (pause > 0 ? something(pause) : rest());
  }
}

/// Waits for a message, or as long as said.
function something(milliseconds) {
  return new Promise((done) => {
    const timer = setTimeout(done, Math.min(milliseconds, 1e9));
    waker = () => {
      clearTimeout(timer);
      done();
    };
  }).finally(() => (waker = null));
}

/// Brings what changed to the storage, in order, while training goes on.
function keep() {
  keptAt = performance.now();
  if (!storage || keeping) return;
  const jobs = trainer.jobs();
  if (jobs.length === 0) return;
  keeping = (async () => {
    for (const [file, at, bytes] of jobs) {
      await (bytes ? storage.write(file, at, bytes) : storage.remove(file));
    }
    self.postMessage({ kept: true });
  })()
    .catch((error) => {
      if (broken) return;
      trainer.refused();
      self.postMessage({ kept: false, why: error.message ?? String(error) });
    })
    .finally(() => (keeping = null));
}

/// Tells the page that this worker is done for. What was already taken from the tree is whole, so it
/// is brought to the storage before that; what the broken program holds beyond it is not touched.
async function broke(error) {
  if (broken) return;
  broken = true;
  const said = lastPanicOr(error);
  // Some browsers say "out of bounds" where memory cannot grow; of a list Rust also says its length.
  const memory = /memory|allocat|out of bounds(?!: the len)|capacity overflow/i.test(said);
  await Promise.race([keeping, new Promise((done) => setTimeout(done, LAST_PATIENCE))]);
  self.postMessage({ broke: { said, memory } });
}

function lastPanicOr(error) {
  const message = error?.message ?? String(error);
  try {
    return lastPanic() ?? message;
  } catch {
    return message;
  }
}

// A trap in the middle of a turn comes up here: nobody awaits the browser's own callbacks.
self.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  broke(event.reason);
});
self.addEventListener("error", (event) => {
  event.preventDefault();
  broke(event.error ?? event.message);
});

// A card can be lost at any time: its driver was restarted, the machine slept, another page asked
// too much. What computes on it hears of that only by errors it cannot mend.
let card = null;
if (self.GPUAdapter) {
  const requestDevice = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = async function (...options) {
    card = await requestDevice.apply(this, options);
    card.lost.then(({ message }) =>
      self.postMessage({ broke: { said: message || "no reason was given", memory: false, card: true } }));
    return card;
  };
}
