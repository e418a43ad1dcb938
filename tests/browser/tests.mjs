// The page in a real browser: each test says what a user would see. Pictures of what was seen are
// left in tests/browser/pictures.

import { sleep } from "./browser.mjs";
import { close, newest, notes, picture } from "./shared.mjs";
import { agreement } from "./agreement.mjs";
import { desktop } from "./desktop.mjs";
import { lessons } from "./lessons.mjs";
import { page } from "./page.mjs";
import { presets, table } from "./presets.mjs";
import { trouble } from "./trouble.mjs";

const words = process.argv.slice(2).filter((word) => word !== "--gpu");
const apart = { "--lessons": lessons, "--presets": presets(process.argv.includes("--gpu")) }[words[0]];
const [wanted = ""] = apart ? words.slice(1) : words;
const tests = apart ?? { ...page, ...trouble, ...agreement, ...desktop };

let passed = 0;
let failed = 0;
const all = Date.now();
for (const [name, test] of Object.entries(tests)) {
  if (!name.includes(wanted)) continue;
  const begun = Date.now();
  try {
    await test();
    passed += 1;
    console.log(`ok    ${name} (${((Date.now() - begun) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL  ${name}\n      ${error.stack}`);
    console.log((newest?.said ?? []).slice(-12).map((line) => `      > ${line}`).join("\n"));
    // A hidden tab gives no picture, and does not say so.
    if (newest) await Promise.race([picture(newest, `failed-${failed}`).catch(() => {}), sleep(5000)]);
  }
  notes.splice(0).forEach((text) => console.log(`      ${text}`));
}
if (words[0] === "--presets" && passed) console.log(`\n${await table()}\n`);
await close();
if (passed + failed === 0) {
  console.log(`no test's name has "${wanted}" in it`);
  failed = 1;
}
console.log(`${passed} passed, ${failed} failed in ${((Date.now() - all) / 1000).toFixed(0)} s`);
process.exit(failed ? 1 : 0);
