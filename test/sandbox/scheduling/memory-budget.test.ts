import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { InstanceBudgetSpent, processCapacity } from "#host/sandbox/capacity.ts";
import { openFixture } from "../fixture.ts";

const text = `(memory 2 200)
  (func (export "grow") (result i32) (drop (memory.grow (i32.const 100))) (i32.const 0))
  (func (export "nop") (result i32) (i32.const 0))`;

/** Takes all pages that the process has left for plugins but `left`, until the test ends. */
function takeAllBut(t: TestContext, left: number): void {
  let taken = 0;
  for (let step = 2 ** 40; step >= 1; step /= 2) {
    while (processCapacity.takePages(step)) taken += step;
  }
  processCapacity.givePages(left);
  t.after(() => processCapacity.givePages(taken - left));
}

test("where no memory is left a binding cannot start", async (t) => {
  takeAllBut(t, 1);
  await assert.rejects(openFixture(text), InstanceBudgetSpent);
});

test("a call that grows beyond what is left ends as memory, others go on", async (t) => {
  const { pool, call } = await openFixture(text);
  t.after(() => pool.close(0));
  takeAllBut(t, 50);
  const grown = await call("grow");
  assert.deepEqual(
    [grown.outcome, grown.error],
    ["memory", "all memory that the process has for plugins is in use"],
  );
  assert.equal((await call("nop")).outcome, "ok");
});

test("a call that would need an instance more is refused as overload", async (t) => {
  const { pool, call } = await openFixture(text);
  t.after(() => pool.close(0));
  takeAllBut(t, 1);
  const [first, second] = await Promise.all([call("nop"), call("nop")]);
  assert.deepEqual([first.outcome, second.outcome, second.overloaded], ["ok", "rejected", true]);
});

test("instances give back what they had", async (t) => {
  const opened = await openFixture(text);
  await opened.call("grow");
  await opened.pool.close(0);
  takeAllBut(t, 103);
  for (let round = 0; round < 5; round += 1) {
    const { pool, call } = await openFixture(text);
    assert.equal((await call("grow")).outcome, "ok");
    await pool.close(0);
  }
});
