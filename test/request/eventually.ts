import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

/** What is live within a second on an idle machine may take this long on a busy one. */
const patienceMs = 10_000;

/** Asks again until it is so; what was asked for last is in the failure. */
export async function eventually<Value>(
  ask: () => Value | Promise<Value>,
  isIt: (value: Value) => boolean,
): Promise<Value> {
  const until = Date.now() + patienceMs;
  for (;;) {
    const value = await ask();
    if (isIt(value)) return value;
    assert.ok(Date.now() < until, `still ${JSON.stringify(value)}`);
    await sleep(20);
  }
}
