import assert from "node:assert/strict";
import { test } from "node:test";
import { assemblyScriptCases } from "./assembly-script.ts";
import { byHandCases } from "./modules.ts";
import { runHere, runStock } from "./outcome.ts";
import { sdkCases } from "./sdk-plugins.ts";

const cases = [...byHandCases, ...(await assemblyScriptCases()), ...(await sdkCases())];

for (const { name, calls, ...module } of cases) {
  test(`the same as on the stock Extism SDK: ${name}`, async () => {
    const expected = await runStock(module, calls);
    const actual = await runHere(module, calls);
    for (const [index, call] of calls.entries()) {
      assert.deepEqual(actual[index], expected[index], `${call[0]}, call ${index}`);
    }
  });
}
