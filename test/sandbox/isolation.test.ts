import assert from "node:assert/strict";
import { test } from "node:test";
import type { HostImport } from "#host/capabilities/capability.ts";
import { env, helpersWat, numberOf, openFixture, textOf } from "./fixture.ts";

/** Counts in linear memory, in a global and in the shadow of a fresh allocation, and answers the sum. */
const counter = `${env} (import "extism:host/env" "memory_bytes" (func $memory_bytes (result i64))) ${helpersWat}
  (memory 2 16)
  (global $n (mut i32) (i32.const 0))
  (global $wide (mut i64) (i64.const 5))
  (data (i32.const 0) "seen")
  (func (export "configure") (result i32) (i32.store (i32.const 90000) (i32.const 1000)) (i32.const 0))
  (func (export "count") (result i32)
    (global.set $n (i32.add (global.get $n) (i32.const 1)))
    (global.set $wide (i64.add (global.get $wide) (i64.const 1)))
    (i32.store (i32.const 90000) (i32.add (i32.load (i32.const 90000)) (i32.const 1)))
    (call $answer_number (i64.add (global.get $wide)
      (i64.extend_i32_u (i32.add (global.get $n) (i32.load (i32.const 90000))))))
    (i32.const 0))
  (func (export "hide") (result i32) (local $at i32)
    (i32.store (i32.const 100000) (i32.const 0x5ec3e7))
    (i32.store8 (i32.const 0) (i32.const 0))
    (i32.const 0))
  (func (export "seek") (result i32)
    (call $answer_number (i64.extend_i32_u (i32.or (i32.load (i32.const 100000)) (i32.eqz (i32.load8_u (i32.const 0))))))
    (i32.const 0))
  (func (export "grow") (result i32) (drop (memory.grow (i32.const 3)))
    (call $answer_number (i64.extend_i32_u (memory.size))) (i32.const 0))
  (func (export "key_of_kernel") (result i32) (local $b i64)
    (local.set $b (call $alloc (i64.const 64)))
    (call $answer_number (i64.or (call $load_u64 (local.get $b)) (call $load_u64 (i64.add (local.get $b) (i64.const 4000)))))
    (i32.const 0))
  (func (export "fill_kernel") (result i32) (local $b i64)
    (local.set $b (call $alloc (i64.const 8192)))
    (loop $l
      (call $store_u64 (i64.add (local.get $b) (i64.const 4000)) (i64.const -1))
      (local.set $b (i64.add (local.get $b) (i64.const 8)))
      (br_if $l (i64.lt_u (local.get $b) (i64.const 4000))))
    (i32.const 0))
  (func (export "kernel_size") (result i32) (call $answer_number (call $memory_bytes)) (i32.const 0))
  (func (export "grow_kernel") (result i32) (drop (call $alloc (i64.const 1000000)))
    (call $answer_number (call $memory_bytes)) (i32.const 0))
  (func (export "remember") (result i32)
    (call $var_set (call $block (i32.const 1) (i32.const 3)) (call $block (i32.const 0) (i32.const 4))) (i32.const 0))
  (func (export "recall") (result i32)
    (call $answer (call $var_get (call $block (i32.const 1) (i32.const 3)))) (i32.const 0))`;

test("every call starts from the state after configure: memory, globals of every type, variables, kernel", async () => {
  const { pool, call } = await openFixture(counter, { config: "{}" });
  for (let turn = 0; turn < 3; turn++) assert.equal(numberOf(await call("count")), 1008n);
  await call("hide");
  assert.equal(numberOf(await call("seek")), 0n);
  await call("remember");
  assert.equal(textOf(await call("recall")), "");
  await call("fill_kernel");
  assert.equal(numberOf(await call("key_of_kernel")), 0n);
  await pool.close();
});

test("what the host wrote for a call into the plugin's memory is gone with it", async () => {
  const { pool, call } = await openFixture(`${env}
    (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    ${helpersWat}
    (memory 2)
    (func (export "fill") (result i32)
      (drop (call $random (i32.const 1000) (i32.const 5000)))
      (drop (call $clock (i32.const 0) (i64.const 0) (i32.const 70000)))
      (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 131068)))
      (i32.const 0))
    (func (export "count") (result i32) (local $at i32) (local $found i64)
      (loop $l
        (if (i32.load8_u (local.get $at)) (then (local.set $found (i64.add (local.get $found) (i64.const 1)))))
        (br_if $l (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (i32.const 131072))))
      (call $answer_number (local.get $found))
      (i32.const 0))`);
  for (let turn = 0; turn < 3; turn++) {
    assert.equal((await call("fill")).outcome, "ok");
    assert.equal(numberOf(await call("count")), 0n);
  }
  assert.equal(pool.size.instances, 1);
  await pool.close();
});

test("that a call before made the kernel's memory grow cannot be seen", async () => {
  const { pool, call } = await openFixture(counter);
  assert.equal(numberOf(await call("kernel_size")), 65_536n);
  assert.equal(numberOf(await call("grow_kernel")), 1_048_576n);
  assert.equal(numberOf(await call("kernel_size")), 65_536n);
  assert.equal(pool.size.instances, 1);
  await pool.close();
});

test("a global with a NaN that JavaScript cannot tell from others is the same in every call", async () => {
  const { pool, call } = await openFixture(
    `${env} ${helpersWat} (memory 1) (global $nan (mut f64) (f64.const 0))
     (func (export "configure") (global.set $nan (f64.reinterpret_i64 (i64.const 0x7ff4000000001234))))
     (func (export "bits") (call $answer_number (i64.reinterpret_f64 (global.get $nan))) (global.set $nan (f64.const 1)))`,
    { config: "{}" },
  );
  for (let turn = 0; turn < 3; turn++) assert.equal(numberOf(await call("bits")), 0x7ff4000000001234n);
  await pool.close();
});

test("with state: instance the state stays, but the kernel's blocks go", async () => {
  const { pool, call } = await openFixture(counter, { config: "{}", state: "instance" });
  assert.equal(numberOf(await call("count")), 1008n);
  assert.equal(numberOf(await call("count")), 1011n);
  await call("remember");
  assert.equal(textOf(await call("recall")), "seen");
  await call("fill_kernel");
  assert.equal(numberOf(await call("key_of_kernel")), 0n);
  await pool.close();
});

test("memory that grew does not stay grown", async () => {
  const { pool, call } = await openFixture(counter, { config: "{}" });
  for (let turn = 0; turn < 3; turn++) {
    const result = await call("grow");
    assert.equal(numberOf(result), 5n);
    assert.equal(result.memoryPages, 5);
  }
  assert.equal(numberOf(await call("count")), 1008n);
  await pool.close();
});

test("a second instance has what configure left in the first", async () => {
  let release = () => {};
  const gate = new Promise<bigint>((resolve) => {
    release = () => resolve(0n);
  });
  const wait: HostImport = { params: 0, result: true, suspends: true, run: () => gate };
  const { pool, call } = await openFixture(
    `(import "extism:host/user" "wait" (func $wait (result i64)))
     ${counter}
     (func (export "wait") (result i32) (drop (call $wait)) (i32.const 0))`,
    { config: "{}", imports: { "extism:host/user.wait": wait } },
  );
  const held = call("wait");
  assert.equal(numberOf(await call("count")), 1008n);
  assert.equal(pool.size.instances, 2);
  release();
  assert.equal((await held).outcome, "ok");
  await pool.close();
});

test("a module whose tables change gets a new instance for every call, with configure run again", async () => {
  const { pool, call } = await openFixture(
    `${env} ${helpersWat}
     (memory 1)
     (table 2 funcref)
     (elem (i32.const 0) $one $two)
     (elem declare func $two)
     (type $number (func (result i64)))
     (func $one (result i64) (i64.const 1))
     (func $two (result i64) (i64.const 2))
     (global $configured (mut i64) (i64.const 0))
     (func (export "configure") (result i32) (global.set $configured (i64.const 10)) (i32.const 0))
     (func (export "swap") (result i32)
       (call $answer_number (i64.add (global.get $configured) (call_indirect (type $number) (i32.const 0))))
       (table.set (i32.const 0) (ref.func $two))
       (i32.const 0))`,
    { config: "{}" },
  );
  for (let turn = 0; turn < 3; turn++) assert.equal(numberOf(await call("swap")), 11n);
  await pool.close();
});

test("a call after a trap, a kill or an error meets no trace of it", async () => {
  const { pool, call } = await openFixture(
    `${counter}
     (func (export "stain") (result i32) (i32.store (i32.const 100000) (i32.const 77)) unreachable)
     (func (export "stain_and_loop") (result i32) (i32.store (i32.const 100000) (i32.const 77)) (loop $l (br $l)) (i32.const 0))
     (func (export "stain_and_fail") (result i32) (i32.store (i32.const 100000) (i32.const 77)) (i32.const 1))`,
    { limits: { fuel: 1_000_000 }, state: "instance" },
  );
  for (const hook of ["stain", "stain_and_loop"]) {
    assert.notEqual((await call(hook)).outcome, "ok");
    assert.equal(numberOf(await call("seek")), 0n);
  }
  assert.equal((await call("stain_and_fail")).outcome, "error");
  assert.equal(numberOf(await call("seek")), 77n);
  await pool.close();
});

test("two hundred calls at once never mix their inputs and outputs", async () => {
  const pause: HostImport = {
    params: 0,
    result: true,
    suspends: true,
    run: () => new Promise((resolve) => setImmediate(resolve, 0n)),
  };
  const { pool, call } = await openFixture(
    `(import "extism:host/user" "pause" (func $pause (result i64)))
     ${env}
     (func (export "slow_echo") (result i32)
       (drop (call $pause))
       (call $output_set (call $input_offset) (call $input_length))
       (drop (call $pause))
       (i32.const 0))`,
    { imports: { "extism:host/user.pause": pause } },
  );
  const inputs = Array.from({ length: 200 }, (_, index) => `request ${index}`);
  const results = await Promise.all(inputs.map((input) => call("slow_echo", input)));
  assert.deepEqual(results.map(textOf), inputs);
  assert.ok(pool.size.instances <= 64);
  await pool.close();
});

test("ten thousand calls in a row leave no instance, no kernel memory and hardly any heap behind", async () => {
  const { pool, call } = await openFixture(`${counter}
    (func (export "kernel_bytes") (result i32) (call $answer_number (call $input_offset)) (i32.const 0))`);
  const input = "x".repeat(2_000);
  const offsets = new Set<bigint>();
  for (let turn = 0; turn < 1_000; turn++) await call("count", input);
  const before = process.memoryUsage().rss;
  for (let turn = 0; turn < 10_000; turn++) {
    if (turn % 100 === 0) offsets.add(numberOf(await call("kernel_bytes", input)));
    else await call("count", input);
  }
  assert.deepEqual([...offsets], [24n]);
  assert.equal(pool.size.instances, 1);
  assert.ok(process.memoryUsage().rss - before < 64 * 1024 * 1024);
  await pool.close();
});
