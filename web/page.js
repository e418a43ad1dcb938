// The page: loads the program with real progress, starts the studio and its worker, and starts
// another worker where one breaks down.

const script = document.querySelector("script[data-program-bytes]");
const element = (id) => document.getElementById(id);
const address = new URL(location.href);

/// Seconds without an answer after which the user is asked whether to wait.
const PATIENCE = 90;

let page = null;
let module = null;
let worker = null;
/// The device that a test wants `auto` to mean.
const device = address.searchParams.get("device");
/// The run that a worker which is still starting is to go on with.
let owed = null;
/// When workers broke down, in milliseconds.
const failures = [];

async function main() {
  const lacks = lacking();
  if (lacks) return giveUp(lacks);
  try {
    const { default: init, startPage } = await import("./sasr.js");
    module = await load(new URL("./sasr_bg.wasm", import.meta.url));
    element("how").textContent = "Starting";
    startWorker(null);
    // See web/build.
    (await init({ module_or_path: module })).__wasm_call_ctors();
    const host = { post: (bytes) => worker.postMessage(bytes, [bytes.buffer]), choose, download };
    page = await startPage(element("studio"), host, location.hash);
  } catch (error) {
    return giveUp(`The studio cannot start: ${error?.message ?? error}`);
  }
  // It is in the form now; a reload must not undo what was changed there since.
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  window.sasr.ready = true;
  heard.splice(0).forEach(hear);
  element("cover").hidden = true;
  element("studio").focus();
  setInterval(look, 1000);
}

/// What this browser lacks, in words.
function lacking() {
  // A module of one function with one vector instruction.
  const vectors = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1,
    8, 0, 65, 0, 253, 15, 253, 98, 11]);
  if (typeof WebAssembly !== "object") return "This browser has no WebAssembly: the studio needs it.";
  if (!WebAssembly.validate(vectors)) return "This browser's WebAssembly has no vector instructions (SIMD): a newer version has.";
  if (!document.createElement("canvas").getContext("webgl2")) {
    return "This browser shows no WebGL 2 graphics: allow hardware acceleration in its settings, or try another one.";
  }
  return null;
}

function giveUp(text) {
  element("cover").hidden = false;
  element("bar").hidden = true;
  element("what").textContent = text;
  element("how").textContent = "The command line and the desktop program need no browser.";
}

/// Fetches and compiles while it comes in; the bar shows how much is there.
async function load(url) {
  const all = Number(script.dataset.programBytes) || 0;
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`the program is not there (${answer.status} for ${url.pathname})`);
  let here = 0;
  const count = new TransformStream({
    transform(chunk, out) {
      here += chunk.byteLength;
      element("bar").value = all ? Math.min(here / all, 1) : 0;
      element("how").textContent = `Loading, ${(here / 1e6).toFixed(1)} of ${(all / 1e6).toFixed(1)} MB`;
      out.enqueue(chunk);
    },
  });
  const body = new Response(answer.body.pipeThrough(count), { headers: { "Content-Type": "application/wasm" } });
  return WebAssembly.compileStreaming(body);
}

const heard = [];

function hear(bytes) {
  if (!page) return heard.push(bytes);
  try {
    page.hear(bytes, document.hidden);
  } catch (error) {
    const said = page.brokeDown() ?? error?.message ?? String(error);
    ask(`The studio's window broke down (${said}). Runs are kept; a run under way goes on from its last checkpoint.`, {
      "Reload the page": () => location.reload(),
    });
  }
}

function startWorker(resume) {
  const mine = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  worker = mine;
  owed = resume?.run ?? null;
  lastAnswer = performance.now();
  mine.onmessage = ({ data }) => {
    if (mine !== worker) return;
    lastAnswer = performance.now();
    if (data instanceof Uint8Array) return hear(data);
    if (data.ready) workerReady(data.ready, resume);
    if (data.broke) workerBroke(data.broke);
    if (data.kept !== undefined) kept(data);
  };
  mine.onerror = (event) => {
    event.preventDefault();
    if (mine === worker) workerBroke({ said: event.message ?? "its script did not load", memory: false });
  };
  mine.onmessageerror = () => mine === worker && workerBroke({ said: "a message was lost", memory: true });
  mine.postMessage({ start: { module, device, run: resume?.run ?? null } });
}

function workerReady(ready, resume) {
  window.sasr.worker = ready;
  whenDrawn(() => {
    page.tellDevices(JSON.stringify(ready.adapter));
    if (ready.why) page.say(ready.why, true);
    if (ready.damaged) return;
    if (ready.storage) navigator.storage?.persist?.().catch(() => {});
    if (resume) goOn(resume, ready.keepsRun);
  });
}

/// A new worker takes over; nothing may have been kept of a run that broke down at once.
function goOn({ run, device }, keepsRun) {
  owed = null;
  page.again((keepsRun && run) || undefined, device ?? undefined);
  if (!run) return;
  if (keepsRun) page.say(`Going on with ${run} from what was kept of it`, false);
  else page.say(`Nothing of ${run} had been kept yet: start it again, with a smaller model or batch if memory was short`, true);
}

/// As soon as the studio is there.
function whenDrawn(act) {
  if (page) return act();
  setTimeout(() => whenDrawn(act), 50);
}

/// A worker is lost: another one takes its place, and a run under way goes on from its last
/// checkpoint. Where that breaks down again and again, or a card is lost, the user is asked.
function workerBroke({ said, memory, card }) {
  worker.terminate();
  whenDrawn(() => {
    const cause = card
      ? "The graphics card was lost"
      : memory
        ? "The memory of this page was not enough for the training"
        : "The training broke down";
    const run = page.lost(`${cause} (${said})`) ?? owed;
    const now = performance.now();
    failures.push(now);
    window.sasr.restarts += 1;
    window.sasr.lost = said;
    // What needs too much memory may need minutes to get there again.
    const often = failures.filter((time) => now - time < (memory ? 600_000 : 60_000)).length > 2;
    if (!often && !card) return startWorker({ run, device: null });
    const what = run ? `Go on with ${run}` : "Start the training again";
    const where = card ? " on the card" : "";
    // Looked for only when the user has chosen: the studio has then heard of the end.
    const begin = (device) => startWorker({ run: run ?? (card ? brokenOffOnCard() : null), device });
    ask(`${cause}${often ? " again and again" : ""} (${said}). What was kept is safe.`, {
      [what + where]: () => begin(null),
      [`${what} on the CPU`]: () => begin("cpu"),
    });
  });
}

/// The run that a lost card broke off: its session may have noticed before the browser said so.
function brokenOffOnCard() {
  const records = Object.entries(JSON.parse(page.state()).records ?? {});
  return records.find(([, run]) => run.error && !run.finished && run.device === "gpu")?.[0] ?? null;
}

let lastAnswer = 0;
let pinged = 0;

/// Asks the worker whether it lives; it answers between two units of work.
function look() {
  const now = performance.now();
  if (now - pinged > 5000) {
    pinged = now;
    worker.postMessage({ ping: now });
  }
  const silent = (now - lastAnswer) / 1000;
  if (silent > PATIENCE && element("word").hidden) {
    ask(`The training has not answered for ${Math.round(silent)} s. A graphics card may still be preparing its programs.`, {
      "Wait": () => (lastAnswer = performance.now()),
      "Start it again from the last checkpoint": () => workerBroke({ said: "it did not answer", memory: false }),
    });
  }
  const broke = page.brokeDown();
  if (broke && element("word").hidden) {
    ask(`The studio's window broke down (${broke}). Runs are kept.`, { "Reload the page": () => location.reload() });
  }
}

let complained = false;

function kept({ kept, why }) {
  window.sasr.kept += kept ? 1 : 0;
  if (kept) complained = false;
  if (!kept && !complained) {
    complained = true;
    whenDrawn(() =>
      page.say(`The browser does not keep the runs (${why}): delete old runs, or save this one as a zip.`, true));
  }
}

/// A question over the studio.
function ask(text, choices) {
  element("word-text").textContent = text;
  const buttons = Object.entries(choices).map(([label, act]) => {
    const button = document.createElement("button");
    button.textContent = label;
    button.onclick = () => {
      element("word").hidden = true;
      act();
    };
    return button;
  });
  element("word-buttons").replaceChildren(...buttons);
  element("word").hidden = false;
}

/// Asks for a file: a configuration, a zip of a run.
function choose() {
  const input = Object.assign(document.createElement("input"), { type: "file", accept: ".toml,.zip,.jsonl,.json,.parquet" });
  input.onchange = () => take(input.files);
  input.click();
}

async function take(files) {
  for (const file of files) page.dropFile(file.name, new Uint8Array(await file.arrayBuffer()));
}

function download(name, bytes) {
  const url = URL.createObjectURL(new Blob([bytes]));
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

// Dropped files go to the library whole; the window's own handling knows paths only.
window.addEventListener("dragover", (event) => event.preventDefault(), true);
window.addEventListener("drop", (event) => {
  event.preventDefault();
  event.stopImmediatePropagation();
  if (page) take(event.dataTransfer.files);
}, true);

// Another configuration in the address of a page that is open.
window.addEventListener("hashchange", () => location.reload());

window.sasr = {
  ready: false,
  worker: null,
  restarts: 0,
  lost: null,
  kept: 0,
  send: (order) => page.send(JSON.stringify(order)),
  state: () => (page ? JSON.parse(page.state()) : {}),
  drop: (name, bytes) => page.dropFile(name, bytes),
  // For tests: what goes wrong in a browser.
  loseCard: () => worker.postMessage({ loseCard: true }),
  breakWorker: () => workerBroke({ said: "ended by a test", memory: false }),
};

main();
