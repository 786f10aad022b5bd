import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { watchLoopDelay } from "#host/sandbox/loop-delay.ts";

function block(ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until; );
}

test("the event loop is late when most of its turns are, and not because of one", async () => {
  const delay = watchLoopDelay();
  block(900);
  await sleep(500);
  assert.equal(delay.isHigh, false);

  for (const until = performance.now() + 1_500; performance.now() < until; ) {
    block(200);
    await sleep(1);
  }
  assert.equal(delay.isHigh, true);
  await sleep(1_100);
  assert.equal(delay.isHigh, false);
});
