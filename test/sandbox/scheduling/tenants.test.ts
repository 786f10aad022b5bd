import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createPool, type Tenant } from "#host/sandbox/pool.ts";
import { prepareWat } from "../fixture.ts";

/**
 * Fuel stands for CPU time here, which it does where everybody runs the same machine code: one module for all, and work in a
 * function that is entered again and again, because V8 puts faster code in place only there.
 */
const prepared = await prepareWat(`
  (func $work (local $left i32)
    (local.set $left (i32.const 10000))
    (loop $next (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))
  (func (export "spin") (result i32) (loop (call $work) (br 0)) (i32.const 0))
  (func (export "nop") (result i32) (i32.const 0))`);
const endless = 1_000_000_000_000;

/** Each test has tenants of its own: the process keeps their accounts. */
function tenantsOf(t: TestContext, share: Partial<Tenant> = {}) {
  return async (name: string, deadlineMs: number) => {
    const tenant = { name: `${t.name}/${name}`, weight: 1, cpuMsPerSecond: 1_000, calls: 64, ...share };
    const limits = { fuel: endless, deadlineMs, memoryPages: 1 };
    const settings = {
      name,
      config: null,
      state: "request",
      limits,
      imports: {},
      log: () => {},
      tenant,
    } as const;
    const pool = await createPool(prepared, settings);
    t.after(() => pool.close(0));
    return pool;
  };
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

test("a tenant with one call gets as much of the CPU as a tenant with sixty", async (t) => {
  const open = tenantsOf(t);
  const [many, one] = [await open("many", 800), await open("one", 800)];
  const [first, ...rest] = await Promise.all([
    one.call("spin", ""),
    ...Array.from({ length: 60 }, () => many.call("spin", "")),
  ]);
  const fuel = sum(rest.map(({ fuelUsed }) => fuelUsed));
  assert.ok(first.fuelUsed > fuel / 2, `${first.fuelUsed} against ${fuel}`);
  assert.deepEqual([...new Set([first, ...rest].map(({ outcome }) => outcome))], ["deadline"]);
});

test("two bindings of one tenant share alike, whatever they have to do", async (t) => {
  const open = tenantsOf(t);
  const [many, one] = [await open("same", 800), await open("same", 800)];
  const [first, ...rest] = await Promise.all([
    one.call("spin", ""),
    ...Array.from({ length: 20 }, () => many.call("spin", "")),
  ]);
  const fuel = sum(rest.map(({ fuelUsed }) => fuelUsed));
  assert.ok(first.fuelUsed > fuel / 2, `${first.fuelUsed} against ${fuel}`);
});

test("calls of other tenants, and new calls of the same binding, are answered while sixty spin", async (t) => {
  const open = tenantsOf(t);
  const [spinning, other] = [await open("spinning", 1_000), await open("other", 1_000)];
  const running = Promise.all(Array.from({ length: 60 }, () => spinning.call("spin", "")));
  let answered = 0;
  let over = false;
  running.finally(() => {
    over = true;
  });
  while (!over) {
    for (const pool of [spinning, other]) assert.equal((await pool.call("nop", "")).outcome, "ok");
    answered += 2;
  }
  assert.ok(answered > 50, `${answered} calls`);
});

test("a tenant over its quota waits for the next milliseconds, and nobody else does", async (t) => {
  const limited = await tenantsOf(t, { cpuMsPerSecond: 20 })("limited", 700);
  const free = await tenantsOf(t)("free", 700);
  const [held, alone] = await Promise.all([limited.call("spin", ""), free.call("spin", "")]);
  assert.equal(held.outcome, "deadline");
  assert.ok(held.fuelUsed < alone.fuelUsed / 4, `${held.fuelUsed} against ${alone.fuelUsed}`);
  assert.ok(held.fuelUsed > 0);
});

test("more calls at once than a tenant may have are refused as overload, and others are not", async (t) => {
  const open = tenantsOf(t, { calls: 3 });
  const [busy, other] = [await open("busy", 500), await open("other", 500)];
  const running = [1, 2, 3].map(() => busy.call("spin", ""));
  const refused = await busy.call("nop", "");
  assert.equal(refused.outcome, "rejected");
  assert.equal(refused.overloaded, true);
  assert.match(refused.error ?? "", /3 calls of the tenant .*\/busy run already/);
  assert.equal((await other.call("nop", "")).outcome, "ok");
  await Promise.all(running);
  assert.equal((await busy.call("nop", "")).outcome, "ok");
});

test("an instance that has to be made anew after each call is paid for by the tenant", async (t) => {
  const segments = Array.from({ length: 3_000 }, (_, at) => `(data (i32.const ${at * 300}) "x")`).join(" ");
  const module = await prepareWat(`(memory 16) ${segments} (func (export "die") (result i32) (unreachable))`);
  const tenant = { name: t.name, weight: 1, cpuMsPerSecond: 5, calls: 64 };
  const limits = { fuel: 1_000_000, deadlineMs: 20, memoryPages: 16 };
  const settings = {
    name: "dying",
    config: null,
    state: "request",
    limits,
    imports: {},
    log: () => {},
  } as const;
  const pool = await createPool(module, { ...settings, tenant });
  t.after(() => pool.close(0));
  const outcomes = new Set<string>();
  for (let count = 0; count < 300 && !outcomes.has("deadline"); count += 1) {
    outcomes.add((await pool.call("die", "")).outcome);
  }
  assert.deepEqual([...outcomes], ["trap", "deadline"]);
});
