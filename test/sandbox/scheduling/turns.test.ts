import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { processLimits } from "#host/limits.ts";
import type { Pool } from "#host/sandbox/pool.ts";
import { openFixture } from "../fixture.ts";

const spins = `
  (func (export "spin") (result i32) (local $left i32)
    (local.set $left (i32.const 400000000))
    (loop $next (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (i32.const 0))
  (func (export "nop") (result i32) (i32.const 0))`;

/** A binding of a tenant whose other binding has spent all that it may have in the next while: calls wait for the CPU. */
async function openHeld(t: TestContext): Promise<Pool> {
  const tenant = { name: t.name, weight: 1, cpuMsPerSecond: 1, calls: 2_000 };
  const limits = { fuel: 1_000_000_000_000, deadlineMs: 60_000 };
  const [{ pool }, { pool: other }] = [
    await openFixture(spins, { tenant, limits }),
    await openFixture(spins, { tenant, limits }),
  ];
  t.after(() => Promise.all([pool.close(0), other.close(0)]));
  // What a spin is over by is paid back in half a second or so, and sometimes it is hardly over.
  do await other.call("spin", "", { deadlineMs: 50 });
  while ((await other.call("nop", "", { deadlineMs: 40 })).outcome === "ok");
  return pool;
}

test("calls that wait for the CPU have no instance yet, and are answered when their turn comes", async (t) => {
  const pool = await openHeld(t);
  const calls = Array.from({ length: 6 }, () => pool.call("nop", ""));
  assert.equal(pool.size.queued, 6);
  const results = await Promise.all(calls);
  assert.deepEqual([...new Set(results.map(({ outcome }) => outcome))], ["ok"]);
  assert.ok(pool.size.instances <= 2, `${pool.size.instances} instances`);
  assert.equal(pool.size.queued, 0);
});

test("a call that waits for the CPU ends with its deadline and with its caller", async (t) => {
  const pool = await openHeld(t);
  const late = await pool.call("nop", "", { deadlineMs: 5 });
  assert.deepEqual([late.outcome, late.error], ["deadline", "not done after 5 ms"]);
  const caller = new AbortController();
  const left = pool.call("nop", "", { signal: caller.signal });
  caller.abort();
  assert.deepEqual([(await left).outcome, (await left).error], ["deadline", "ended by the caller"]);
  assert.equal((await pool.call("nop", "", { signal: AbortSignal.abort() })).outcome, "deadline");
  assert.equal(pool.size.queued, 0);
});

test("calls that wait for the CPU are counted as waiting, and sent away by a close", async (t) => {
  const pool = await openHeld(t);
  const waiting = Array.from({ length: processLimits.queuedCallsPerBinding }, () => pool.call("nop", ""));
  const over = await pool.call("nop", "");
  assert.equal(over.overloaded, true);
  assert.equal(pool.isCrowded, true);
  await pool.close(0);
  const results = await Promise.all(waiting);
  assert.deepEqual([...new Set(results.map(({ error }) => error))], ["fixture is being unloaded"]);
});
