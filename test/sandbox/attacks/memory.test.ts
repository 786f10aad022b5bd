import assert from "node:assert/strict";
import { test } from "node:test";
import { honest, run } from "./attack.ts";
import { memoryAttacks } from "./memory.ts";

for (const [name, attack] of Object.entries(memoryAttacks)) {
  test(`${attack.outcome}: ${name}`, async () => {
    const { outcome, error, output } = await run(attack);
    assert.equal(outcome, attack.outcome, error ?? "");
    assert.match(error ?? "", attack.error ?? /^$/);
    assert.equal(output.length, 0);
    assert.equal(Buffer.from((await run(honest)).output).toString(), honest.input);
  });
}
