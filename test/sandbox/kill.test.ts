import assert from "node:assert/strict";
import { performance } from "node:perf_hooks";
import { after, before, test } from "node:test";
import type { HostCall, HostImport } from "#host/capabilities/capability.ts";
import { callLimits, processLimits } from "#host/limits.ts";
import { processCapacity } from "#host/sandbox/capacity.ts";
import { createInstance } from "#host/sandbox/instance.ts";
import { resolveImports } from "#host/sandbox/link.ts";
import { ConfigureRefused } from "#host/sandbox/provision.ts";
import { operatorShare, threadScheduler } from "#host/sandbox/scheduler.ts";
import { env, type Fixture, openFixture, prepareWat, textOf } from "./fixture.ts";

const calls: HostCall[] = [];
let settle = (_value: bigint): void => {};

function suspending(run: HostImport["run"]): HostImport {
  return { params: 0, result: true, suspends: true, run };
}

const imports = {
  "extism:host/user.never": suspending((call) => {
    calls.push(call);
    return new Promise<bigint>(() => {});
  }),
  "extism:host/user.later": suspending((call) => {
    calls.push(call);
    return new Promise<bigint>((resolve) => {
      settle = resolve;
    });
  }),
  "extism:host/user.rejects": suspending(() => Promise.reject(new Error("the store is down"))),
  "extism:host/user.throws": suspending(() => {
    throw new Error("a bug of the host");
  }),
  "extism:host/user.at_once": suspending(() => 7n),
};

const text = `
  (import "extism:host/user" "never" (func $never (result i64)))
  (import "extism:host/user" "later" (func $later (result i64)))
  (import "extism:host/user" "rejects" (func $rejects (result i64)))
  (import "extism:host/user" "throws" (func $throws (result i64)))
  (import "extism:host/user" "at_once" (func $at_once (result i64)))
  ${env}
  (memory 1 64)
  (global $after (mut i32) (i32.const 0))
  (func $echo (result i32) (call $output_set (call $input_offset) (call $input_length)) (i32.const 0))
  (func (export "echo") (result i32) (call $echo))
  (func (export "loop") (result i32) (loop $l (br $l)) (i32.const 0))
  (func (export "never") (result i32) (drop (call $never)) (call $echo))
  (func (export "never_straight") (result i32) (drop (call $never)) (i32.const 0))
  (func (export "later") (result i32) (drop (call $later)) (call $echo))
  (func (export "rejects") (result i32) (drop (call $rejects)) (call $echo))
  (func (export "throws") (result i32) (drop (call $throws)) (call $echo))
  (func (export "at_once") (result i32) (i32.wrap_i64 (i64.sub (call $at_once) (i64.const 7))))
  (func $deep (param i32) (result i32)
    (if (result i32) (i32.eqz (local.get 0))
      (then (i32.wrap_i64 (call $later)))
      (else (i32.add (i32.const 0) (call $deep (i32.sub (local.get 0) (i32.const 1)))))))
  (func (export "deep_then_suspend") (result i32) (drop (call $deep (i32.const 500))) (call $echo))`;

let fixture: Fixture;
before(async () => {
  fixture = await openFixture(text, { imports });
});
after(() => fixture.pool.close(0));

for (const hook of ["never", "never_straight"]) {
  test(`deadline: a host promise that never settles (${hook}) ends the call in time`, async () => {
    const startedAt = performance.now();
    const result = await fixture.call(hook, "", { deadlineMs: 30 });
    assert.equal(result.outcome, "deadline");
    assert.match(result.error ?? "", /^not done after \d+ ms$/);
    assert.ok(performance.now() - startedAt < 1_000);
    assert.equal(calls.at(-1)?.signal.aborted, true);
    assert.equal(textOf(await fixture.call("echo", "next")), "next");
  });
}

test("deadline: an endless loop with fuel for ever ends in time", async () => {
  const { pool, call } = await openFixture(text, { imports, limits: { fuel: Number.MAX_SAFE_INTEGER } });
  const result = await call("loop", "", { deadlineMs: 30 });
  assert.equal(result.outcome, "deadline");
  assert.ok(result.fuelUsed > callLimits.sliceFuel);
  await pool.close(0);
});

test("an abort ends a suspended call at once, and a signal that is aborted already starts none", async () => {
  const abort = new AbortController();
  const call = fixture.call("never", "", { signal: abort.signal });
  setImmediate(() => abort.abort());
  const result = await call;
  assert.equal(result.outcome, "deadline");
  assert.equal(result.error, "ended by the caller");
  assert.equal((await fixture.call("echo", "", { signal: abort.signal })).outcome, "rejected");
});

test("what a host function does after its call is over reaches nobody", async () => {
  const result = await fixture.call("never", "secret", { deadlineMs: 20 });
  assert.equal(result.outcome, "deadline");
  const stale = calls.at(-1);
  assert.ok(stale);
  assert.equal(stale.read(24n).length, 0);
  assert.equal(stale.write("late"), 0n);
});

test("a host function that fails ends its call as an error that names it, and the plugin cannot catch it", async () => {
  for (const [hook, reason] of [
    ["rejects", "the store is down"],
    ["throws", "a bug of the host"],
  ] as const) {
    const result = await fixture.call(hook, "x");
    assert.equal(result.outcome, "error");
    assert.equal(result.error, `extism:host/user.${hook} failed: Error: ${reason}`);
  }
});

test("a suspending function that answers at once does not suspend", async () => {
  assert.equal((await fixture.call("at_once")).outcome, "ok");
});

test("a deep stack may suspend and come back", async () => {
  const call = fixture.call("deep_then_suspend", "deep");
  setTimeout(() => settle(0n), 5);
  assert.equal(textOf(await call), "deep");
});

test("an instance refuses a second call while the first is suspended, and finishes the first", async () => {
  const prepared = await prepareWat(text, Object.keys(imports));
  const instance = await createInstance({
    prepared,
    functions: resolveImports(prepared, imports),
    config: {},
    log: () => {},
    logLevel: "trace",
    memoryPages: 64,
    lane: threadScheduler.lane(null, operatorShare),
  });
  const limits = { fuel: 1_000_000, deadlineMs: 1_000 };
  const first = instance.call("later", "first", limits);
  const second = await instance.call("echo", "second", limits);
  assert.equal(second.outcome, "rejected");
  assert.equal(second.error, "the instance already runs a call");
  const snapshot = instance.snapshot();
  assert.equal(snapshot !== null && instance.restore(snapshot), false);
  settle(0n);
  assert.equal(textOf(await first), "first");
  instance.dispose();
  assert.equal((await instance.call("echo", "late", limits)).outcome, "rejected");
});

test("close waits for running calls, refuses new ones, and then ends what is left", async () => {
  const { pool, call } = await openFixture(text, { imports });
  const honest = call("later", "done");
  const stuck = call("never");
  await new Promise(setImmediate);
  const closing = pool.close(50);
  assert.equal((await call("echo")).outcome, "rejected");
  settle(0n);
  assert.equal(textOf(await honest), "done");
  const result = await stuck;
  assert.equal(result.outcome, "deadline");
  assert.equal(result.error, "the plugin was unloaded");
  await closing;
  assert.equal(pool.size.instances, 0);
});

test("a binding serves at most its share of instances, queues the rest, and refuses what does not fit the queue", async () => {
  const { pool, call } = await openFixture(text, { imports });
  const { instancesPerBinding, queuedCallsPerBinding } = processLimits;
  const all = Array.from({ length: instancesPerBinding + queuedCallsPerBinding + 5 }, () =>
    call("never", "", { deadlineMs: 300 }),
  );
  const results = await Promise.all(all);
  const refused = results.filter(({ error }) => error?.includes("overloaded"));
  assert.equal(refused.length, 5);
  assert.ok(results.every(({ outcome }) => outcome === "deadline" || outcome === "rejected"));
  assert.equal(textOf(await call("echo", "and then")), "and then");
  await pool.close();
});

test("a call that waits in the queue leaves it when its caller goes", async () => {
  const { pool, call } = await openFixture(text, { imports });
  const abort = new AbortController();
  const stuck = Array.from({ length: processLimits.instancesPerBinding }, () =>
    call("never", "", { deadlineMs: 200 }),
  );
  const waiting = call("echo", "", { signal: abort.signal });
  await new Promise(setImmediate);
  abort.abort();
  assert.equal((await waiting).outcome, "rejected");
  assert.equal(pool.size.queued, 0);
  await Promise.all(stuck);
  await pool.close();
});

for (const [what, members, outcome] of [
  ["an endless start function", "(func $s (loop $l (br $l))) (start $s)", "fuel"],
  ["an endless _initialize", '(func (export "_initialize") (loop $l (br $l)))', "fuel"],
  ["an endless hs_init", '(func (export "hs_init") (param i32 i32) (loop $l (br $l)))', "fuel"],
  ["a start function that traps", "(func $s unreachable) (start $s)", "trap"],
  [
    "an endless configure",
    '(func (export "configure") (result i32) (loop $l (br $l)) (i32.const 0))',
    "fuel",
  ],
  ["a configure that says no", '(func (export "configure") (result i32) (i32.const 1))', "error"],
] as const) {
  test(`a plugin with ${what} does not start, and says why`, async () => {
    const before = processCapacity.instances;
    await assert.rejects(openFixture(members, { config: "{}" }), (thrown: unknown) => {
      assert.ok(thrown instanceof ConfigureRefused);
      assert.equal(thrown.result.outcome, outcome);
      return true;
    });
    assert.equal(processCapacity.instances, before);
  });
}

test("a plugin with hs_init starts: it runs once, under fuel, before configure", async () => {
  const { pool, call } = await openFixture(
    `(global $n (mut i32) (i32.const 0))
     (func (export "hs_init") (param i32 i32) (global.set $n (i32.add (global.get $n) (i32.const 1))))
     (func (export "configure") (result i32) (i32.sub (global.get $n) (i32.const 1)))
     (func (export "check") (result i32) (i32.sub (global.get $n) (i32.const 1)))`,
    { config: "{}" },
  );
  assert.equal((await call("check")).outcome, "ok");
  await pool.close();
});

test("memory: more pages than the binding allows end the call, whatever the module's own maximum says", async () => {
  const { pool, call } = await openFixture(
    `(memory 1 64)
     (func (export "grow") (result i32) (drop (memory.grow (i32.const 20))) (i32.const 0))
     (func (export "grow_and_loop") (result i32) (drop (memory.grow (i32.const 20))) (loop $l (br $l)) (i32.const 0))`,
    { limits: { memoryPages: 16 } },
  );
  for (const hook of ["grow", "grow_and_loop"]) {
    const result = await call(hook);
    assert.equal(result.outcome, "memory");
    assert.equal(result.error, "21 pages of memory; the limit is 16");
  }
  await pool.close();
});
