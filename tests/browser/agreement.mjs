// One configuration and seed on four devices: the desktop's CPU and card, the browser's CPU and card.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { folder, lines, note, sasr, train, visit, zipOf } from "./shared.mjs";
import { unzip } from "./zip.mjs";

/// Rounding differs from device to device and grows with every update. The same bound holds between
/// CPU and card in tests/card.rs.
const TOLERANCE = 1e-3;

/// With everything in it: base model, warm-up, both branches, probes, a KL penalty, exams, a test.
const config = (device) => `
name = "course"
seed = 3
max_steps = 12
device = "${device}"
[task]
demonstrations = 40
[task.arithmetic]
max_operand = 3
[model]
hidden_size = 16
num_hidden_layers = 1
num_attention_heads = 2
[base]
steps = 12
learning_rate = 0.05
levels = [1]
batch_size = 8
[curriculum]
levels = [1, 2]
start = 1
[sft]
batch_size = 8
[grpo]
num_prompts = 3
num_generations = 4
max_completion_length = 12
beta = 0.01
[balance]
warmup_steps = 4
g_warm_window = 4
gamma = 2.0
probe_every = 3
[exam]
every = 6
problems = 4
[evaluation]
problems = 4
samples = 2
robustness = false
after_warmup = false
`;

async function onDesktop(device) {
  const out = folder();
  writeFileSync(join(out, "course.toml"), config(device));
  await sasr("train", join(out, "course.toml"), "--out", out);
  return course((file) => readFileSync(join(out, "course", file)));
}

async function inBrowser(device) {
  const tab = await visit();
  await train(tab, config(device), 170);
  const files = unzip(await zipOf(tab, "course"));
  await tab.close();
  return course((file) => files.get(`course/${file}`));
}

const course = (read) => ({
  device: JSON.parse(read("manifest.json")).device,
  steps: lines(read("metrics.jsonl")),
  exams: lines(read("evaluations.jsonl")),
});

/// The largest difference between two courses, measured by the tolerance's rule.
function compare(a, b, where) {
  assert.equal(b.steps.length, a.steps.length);
  let worst = 0;
  const near = (what, step, x, y) => {
    assert.equal(y === undefined, x === undefined, `${what} of step ${step} is measured ${where}`);
    const difference = Math.abs((x ?? 0) - (y ?? 0)) / Math.max(1, Math.abs(x ?? 0));
    assert.ok(difference <= TOLERANCE, `${what} of step ${step}: ${x} on the desktop's CPU, ${y} ${where}`);
    worst = Math.max(worst, difference);
  };
  for (const [index, x] of a.steps.entries()) {
    const [y, step] = [b.steps[index], x.step];
    for (const name of ["step", "phase", "branch", "updated", "num_tokens"]) {
      assert.equal(y[name], x[name], `${name} of step ${step} ${where}`);
    }
    assert.deepEqual(y["sasr/batch"], x["sasr/batch"], `problems and rewards of step ${step} ${where}`);
    assert.equal(y.sasr.alpha, x.sasr.alpha);
    for (const name of ["loss", "grad_norm", "sft_loss", "grpo_loss", "reward", "kl"]) near(name, step, x[name], y[name]);
    for (const name of ["p", "G", "G_warm", "D", "D_pull"]) near(name, step, x.sasr[name], y.sasr[name]);
  }
  const answers = (course) => course.exams.map(({ step, kind, split, level, correct }) => ({ step, kind, split, level, correct }));
  assert.deepEqual(answers(b), answers(a), `what was answered rightly ${where}`);
  return worst;
}

export const agreement = {
  async "the same run takes the same course on CPU and card, on the desktop and in the browser"() {
    const first = await onDesktop("cpu");
    const after = first.steps.filter((step) => step.phase === "adaptive" && step.updated);
    assert.deepEqual([...new Set(after.map((step) => step.branch))].sort(), ["grpo", "sft"], "both branches are taken");
    assert.ok(first.steps.some((step) => step.sasr.D > 1e-3), "a divergence is measured");
    assert.ok(first.exams.some((exam) => exam.correct.includes(true)), "something is answered rightly");
    const others = { "on the desktop's card": [onDesktop, "gpu"], "on the browser's CPU": [inBrowser, "cpu"], "on the browser's card": [inBrowser, "gpu"] };
    for (const [where, [run, device]] of Object.entries(others)) {
      const begun = Date.now();
      const other = await run(device);
      assert.equal(other.device, device);
      const worst = compare(first, other, where);
      note(`${where}: largest difference ${worst.toExponential(1)} in ${first.steps.length} steps; ${((Date.now() - begun) / 1000).toFixed(1)} s`);
    }
  },
};
