import assert from "node:assert/strict";
import { test } from "node:test";
import type { CallResult } from "#host/sandbox/outcome.ts";
import * as fixture from "#test/sandbox/fixture.ts";
import { grant, openCalls, outcomeOf } from "./user-calls.ts";

function numberOf(result: CallResult): bigint {
  assert.equal(result.outcome, "ok", result.error ?? "");
  return fixture.numberOf(result);
}

test("an addition answers the new value, and 0 is what was never counted", async (t) => {
  const plugin = await openCalls(t, grant(), {
    add: ["counters_add", "key", 5n, 0n],
    less: ["counters_add", "key", -7n, 0n],
    get: ["counters_get", "key"],
    absent: ["counters_get", "Key"],
  });
  assert.equal(numberOf(await plugin.call("get")), 0n);
  assert.equal(numberOf(await plugin.call("add")), 5n);
  assert.equal(numberOf(await plugin.call("less")), -2n);
  assert.equal(numberOf(await plugin.call("get")), -2n);
  assert.equal(numberOf(await plugin.call("absent")), 0n);
});

test("calls at one time lose no count", async (t) => {
  const plugin = await openCalls(t, grant(), { add: ["counters_add", "key", 1n, 60_000n] });
  const results = await Promise.all(Array.from({ length: 40 }, () => plugin.call("add")));
  assert.equal(new Set(results.map(numberOf)).size, 40);
  assert.equal(numberOf(await plugin.call("add")), 41n);
});

test("a take answers the new value as long as it is at most the bound, then -1", async (t) => {
  const plugin = await openCalls(t, grant(), {
    take: ["counters_take", "key", 2n, 5n, 0n],
    get: ["counters_get", "key"],
    none: ["counters_take", "key", 0n, 5n, 0n],
    negative: ["counters_take", "key", 1n, 5n, -1n],
  });
  const results = await Promise.all(Array.from({ length: 10 }, () => plugin.call("take")));
  const taken = results.map(numberOf).filter((value) => value !== -1n);
  assert.deepEqual(taken, [2n, 4n]);
  assert.match(await outcomeOf(plugin, "none"), /by is 0; it must be 1 or more/);
  assert.match(await outcomeOf(plugin, "negative"), /ttlMs is -1; it must be 0 or more/);
  assert.equal(numberOf(await plugin.call("get")), 4n);
});

test("a number that is too large stays at 2^53 - 1, on both sides", async (t) => {
  const plugin = await openCalls(t, grant(), {
    up: [
      ["counters_add", "up", 2n ** 63n - 1n, 0n],
      ["counters_add", "up", 1n, 0n],
    ],
    down: [
      ["counters_add", "down", -(2n ** 63n), 0n],
      ["counters_add", "down", -(2n ** 63n), 0n],
    ],
  });
  assert.equal(numberOf(await plugin.call("up")), 9_007_199_254_740_991n);
  assert.equal(numberOf(await plugin.call("down")), -9_007_199_254_740_991n);
});

test("a counter is no value of kv, though the keys are equal", async (t) => {
  const plugin = await openCalls(t, grant(), {
    add: ["counters_add", "key", 65n, 0n],
    get: ["kv_get", "key"],
    set: ["kv_set", "key", "text", 0n],
    count: ["counters_get", "key"],
  });
  await plugin.call("add");
  assert.equal(await outcomeOf(plugin, "get"), "");
  await plugin.call("set");
  assert.equal(numberOf(await plugin.call("count")), 65n);
});

test("a key that is too long or a negative time ends the call, and counts nothing", async (t) => {
  const plugin = await openCalls(t, grant(), {
    longKey: ["counters_add", "k".repeat(513), 1n, 0n],
    negative: ["counters_add", "key", 1n, -1n],
    get: ["counters_get", "key"],
  });
  assert.match(
    await outcomeOf(plugin, "longKey"),
    /^error: .*counters_add failed: Refused: the key has more than 512/,
  );
  assert.match(await outcomeOf(plugin, "negative"), /ttlMs is -1; it must be 0 or more/);
  assert.equal(numberOf(await plugin.call("get")), 0n);
});

test("a call whose fuel ends while its key is read counts nothing, and no other key", async (t) => {
  const imports = grant();
  const key = "k".repeat(500);
  const hooks = { add: ["counters_add", key, 1n, 0n] } as const;
  const check = await openCalls(t, imports, {
    cut: ["counters_get", ""],
    get: ["counters_get", key],
    ...hooks,
  });
  const { fuelUsed } = await check.call("add");
  let counted = 1n;
  let ended = 0;
  for (let fuel = fuelUsed - 250; fuel < fuelUsed; fuel += 10) {
    const plugin = await openCalls(t, imports, hooks, { limits: { fuel } });
    const { outcome } = await plugin.call("add");
    const now = numberOf(await check.call("get"));
    if (now === counted) ended += 1;
    assert.equal(outcome, "fuel");
    counted = now;
    assert.equal(numberOf(await check.call("cut")), 0n);
  }
  assert.ok(ended > 5);
});
