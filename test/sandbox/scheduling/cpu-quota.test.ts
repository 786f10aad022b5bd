import assert from "node:assert/strict";
import { test } from "node:test";
import { createCpuQuota } from "#host/sandbox/cpu-quota.ts";

/** A quota over a clock that stands still until it is told to move. */
function quotaOf(msPerSecond: number) {
  let now = 1_000;
  const quota = createCpuQuota(msPerSecond, () => now);
  const pass = (ms: number) => {
    now += ms;
  };
  return { ...quota, pass };
}

test("one second's worth can be spent at once; then it refills with the time that passes", () => {
  const { spend, waitMs, pass } = quotaOf(200);
  spend(150);
  assert.equal(waitMs(), 0);
  spend(50);
  assert.ok(waitMs() > 0);
  pass(waitMs());
  assert.ok(waitMs() <= 1);
  pass(100);
  spend(19);
  assert.equal(waitMs(), 0);
});

test("what was spent beyond the quota is waited for", () => {
  const { spend, waitMs, pass } = quotaOf(100);
  spend(150);
  assert.equal(waitMs(), 500);
  pass(500);
  spend(0);
  assert.ok(waitMs() <= 1);
});

test("a day of rest saves up no more than one second", () => {
  const { spend, waitMs, pass } = quotaOf(100);
  pass(86_400_000);
  spend(100);
  assert.ok(waitMs() > 0);
});

test("a lower rate takes away what was saved, a higher one gives nothing at once", () => {
  const { spend, waitMs, setRate } = quotaOf(500);
  setRate(10);
  spend(10);
  assert.ok(waitMs() > 0);
  setRate(999);
  assert.ok(waitMs() > 0);
});

test("a thread's worth is never used up: a second holds no more", () => {
  const { spend, waitMs, pass } = quotaOf(1_000);
  for (let index = 0; index < 10_000; index += 1) {
    pass(0.5);
    spend(0.5);
    assert.equal(waitMs(), 0);
  }
  // Instances that start at one time are each charged for the whole of it.
  spend(10_000);
  assert.equal(waitMs(), 0);
});
