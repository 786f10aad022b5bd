import assert from "node:assert/strict";
import { test } from "node:test";
import { callLimits } from "#host/limits.ts";
import { env, openFixture } from "../fixture.ts";

/** Some work that depends on nothing but the input, with calls of the kernel and growth of the memory. */
const text = `
  ${env}
  (memory 1 8)
  (global $calls (mut i32) (i32.const 0))
  (func $mix (param i32) (result i32)
    (if (result i32) (i32.and (local.get 0) (i32.const 1))
      (then (i32.mul (local.get 0) (i32.const 3)))
      (else (i32.shr_u (local.get 0) (i32.const 1)))))
  (func (export "work") (result i32) (local $n i32) (local $i i64)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (block $done (loop $next
      (br_if $done (i64.ge_u (local.get $i) (call $input_length)))
      (local.set $n (call $mix (i32.add (local.get $n) (call $input_load_u8 (local.get $i)))))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br $next)))
    (memory.fill (i32.const 0) (i32.const 1) (i32.const 1000))
    (call $output_set (call $input_offset) (call $input_length))
    (i32.const 0))
  (func (export "spin") (result i32) (local $n i32)
    (loop (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 200000))))
    (i32.const 0))
  (func (export "spin_and_trap") (result i32) (local $n i32)
    (loop (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 200000))))
    (i32.div_u (i32.const 1) (i32.const 0)))
  (func (export "half") (result i32)
    (drop (memory.grow (i32.const 1)))
    (unreachable))`;

const input = "the same input, every time";

test("fuel: the same number in a hundred calls, and in calls at once on other instances", async () => {
  const { pool, call } = await openFixture(text);
  const first = await call("work", input);
  assert.equal(first.outcome, "ok");
  assert.ok(first.fuelUsed > 10 * input.length);
  for (let turn = 0; turn < 100; turn++) assert.equal((await call("work", input)).fuelUsed, first.fuelUsed);
  const together = await Promise.all(Array.from({ length: 20 }, () => call("work", input)));
  assert.deepEqual(new Set(together.map(({ fuelUsed }) => fuelUsed)), new Set([first.fuelUsed]));
  assert.ok(pool.size.instances > 1);
  await pool.close(0);
});

test("fuel: the same number on an instance that keeps its state, and after one has died", async () => {
  const { pool, call } = await openFixture(text, { state: "instance" });
  const { fuelUsed } = await call("work", input);
  assert.equal((await call("half")).outcome, "trap");
  assert.equal((await call("work", input)).fuelUsed, fuelUsed);
  assert.equal((await call("work", input)).fuelUsed, fuelUsed);
  await pool.close(0);
});

for (const [hook, given] of [
  ["work", input],
  ["spin", ""],
] as const) {
  test(`fuel: ${hook} needs exactly what it used: one unit less ends it`, async () => {
    const free = await openFixture(text);
    const { fuelUsed } = await free.call(hook, given);
    await free.pool.close(0);
    for (const [fuel, outcome] of [
      [fuelUsed, "ok"],
      [fuelUsed - 1, "fuel"],
      [Math.floor(fuelUsed / 2), "fuel"],
      [1, "fuel"],
    ] as const) {
      const { pool, call } = await openFixture(text, { limits: { fuel } });
      const result = await call(hook, given);
      assert.equal(result.outcome, outcome, `${fuel} of ${fuelUsed} units`);
      await pool.close(0);
    }
  });
}

test("fuel: a call of several slices uses the same number each time", async () => {
  const { pool, call } = await openFixture(text);
  const { outcome, fuelUsed } = await call("spin");
  assert.equal(outcome, "ok");
  assert.ok(fuelUsed > 4 * callLimits.sliceFuel);
  for (let turn = 0; turn < 5; turn++) assert.equal((await call("spin")).fuelUsed, fuelUsed);
  await pool.close(0);
});

test("fuel: a call that traps after several slices reports the same number each time, and not less than it used", async () => {
  const { pool, call } = await openFixture(text);
  const { fuelUsed } = await call("spin");
  const first = await call("spin_and_trap");
  assert.equal(first.outcome, "trap");
  assert.ok(first.fuelUsed >= fuelUsed && first.fuelUsed <= fuelUsed + callLimits.sliceFuel + 1_000);
  for (let turn = 0; turn < 5; turn++) {
    assert.equal((await call("spin_and_trap")).fuelUsed, first.fuelUsed);
  }
  await pool.close(0);
});

test("fuel: what ends by fuel stops within a few thousand units of its limit", async () => {
  const { pool, call } = await openFixture(
    `(func (export "loop") (result i32) (loop (br 0)) (i32.const 0))`,
    {
      limits: { fuel: 1_000_000 },
    },
  );
  const { outcome, fuelUsed } = await call("loop");
  assert.equal(outcome, "fuel");
  assert.ok(fuelUsed > 1_000_000 && fuelUsed <= 1_003_000, `${fuelUsed}`);
  await pool.close(0);
});
