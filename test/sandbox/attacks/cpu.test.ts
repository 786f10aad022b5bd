import assert from "node:assert/strict";
import { test } from "node:test";
import { honest, run } from "./attack.ts";
import { cpuAttacks } from "./cpu.ts";

for (const [name, attack] of Object.entries(cpuAttacks)) {
  test(`${attack.outcome}: ${name}, while others are answered`, async () => {
    let running = true;
    let answered = 0;
    async function others(): Promise<void> {
      while (running || answered === 0) {
        assert.equal(Buffer.from((await run(honest)).output).toString(), honest.input);
        answered++;
        await new Promise(setImmediate);
      }
    }
    const watching = others();
    const { outcome, error } = await run(attack);
    running = false;
    await watching;
    assert.equal(outcome, attack.outcome, error ?? "");
    assert.match(error ?? "", attack.error ?? /^$/);
  });
}
