// Every lesson to its end, on the CPU: how long a class would have to wait. Not part of the usual tests.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";

import { address, note, picture, record, visit } from "./shared.mjs";

const all = readdirSync(new URL("../../configs", import.meta.url)).filter((file) => file.startsWith("lesson_"));

export const lessons = Object.fromEntries(all.map((file) => [`${file} ends`, async () => {
  const tab = await visit({ address: `${address}?device=cpu` });
  const name = file.replace(".toml", "").replace("_", "-");
  const begun = Date.now();
  const seconds = () => Math.round((Date.now() - begun) / 1000);
  await tab.send({ Preset: file });
  await tab.until("its first step", 900, (state) => record(state, name)?.step > 0);
  const base = seconds();
  const state = await tab.until("its end", 1800, (state) => record(state, name)?.finished);
  const seen = record(state, name);
  note(`${seconds()} s in all, ${base} s of them for the base model; ${seen.step} steps on ${seen.device}`);
  for (const room of ["Balance", "Exams"]) {
    await tab.send({ Go: room });
    await tab.until(room, 20, (state) => state.place === room);
    await picture(tab, `${name}-${room.toLowerCase()}`);
  }
  assert.deepEqual([seen.error, seen.device], [null, "cpu"]);
  await tab.close();
}]));
