import assert from "node:assert/strict";
import { test } from "node:test";
import { moduleLimits } from "#host/limits.ts";
import { costs } from "#host/sandbox/cost-table.ts";
import { meteredWat } from "./metered.ts";

/** What entering a function without locals costs. */
const entry = 2;

type Row = readonly [what: string, text: string, units: number, ...args: unknown[]];

/** Members of a module; `f` is called with the arguments, and costs this much. */
const rows: readonly Row[] = [
  ["an empty function pays its entry", '(func (export "f"))', entry],
  ["a constant pays one", '(func (export "f") (result i32) (i32.const 7))', entry + 1],
  [
    "straight code pays for each instruction",
    `(func (export "f") (result i32) (i32.add (i32.const 1) (i32.mul (i32.const 2) (i32.const 3))))`,
    entry + 5,
  ],
  ["nop, block and end pay nothing", '(func (export "f") (block (nop)) (block (block)))', entry],
  ["parameters pay nothing", '(func (export "f") (param i32 i64 f64))', entry, 1, 2n, 3],
  [
    "a function with as many parameters as can be",
    `(func $g (param ${"i32 ".repeat(1_000)})) (func (export "f") (call $g ${"(i32.const 0)".repeat(1_000)}))`,
    entry + 1_000 + 2 + entry,
  ],
  ["one local pays as four do", '(func (export "f") (local i32))', entry + 1],
  ["four locals", '(func (export "f") (local i32 i64 f32 f64))', entry + 1],
  ["five locals of any type", '(func (export "f") (local i32 i64 f32 f64 v128))', entry + 2],
  ["400 locals", `(func (export "f") (local ${"i32 ".repeat(400)}))`, entry + 100],
  [
    "a division pays six",
    '(func (export "f") (result i32) (i32.div_u (i32.const 9) (i32.const 3)))',
    entry + 2 + 6,
  ],
  [
    "a division of 64 bits pays ten",
    '(func (export "f") (result i64) (i64.rem_s (i64.const 9) (i64.const 3)))',
    entry + 2 + 10,
  ],
  ["a square root pays six", '(func (export "f") (result f64) (f64.sqrt (f64.const 9)))', entry + 1 + 6],
  [
    "a load and a store pay one each",
    '(memory 1) (func (export "f") (i32.store (i32.const 0) (i32.load (i32.const 4))))',
    entry + 4,
  ],
  [
    "a call pays itself, and the entry and the code of what it calls",
    '(func $g (result i32) (i32.const 1)) (func (export "f") (result i32) (call $g))',
    entry + 2 + (entry + 1),
  ],
  [
    "a call of an exported function pays the same",
    '(func $g (export "g") (result i32) (i32.const 1)) (func (export "f") (result i32) (call $g))',
    entry + 2 + (entry + 1),
  ],
  [
    "a call by reference pays six",
    `(table 1 funcref) (elem (i32.const 0) $g) (func $g (result i32) (i32.const 1))
     (func (export "f") (result i32) (call_indirect (result i32) (i32.const 0)))`,
    entry + 1 + 6 + (entry + 1),
  ],
  [
    "a call of an import pays two, before what the host takes",
    `(import "extism:host/env" "input_length" (func $import (result i64)))
     (import "extism:host/env" "free" (func $free (param i64)))
     (func (export "f") (call $free (i64.const 0)))`,
    entry + 1 + 2,
  ],
  [
    "a tail call pays as a call does",
    '(func $g (result i32) (i32.const 1)) (func (export "f") (result i32) (return_call $g))',
    entry + 2 + (entry + 1),
  ],
  [
    "a tail call by reference pays as a call by reference does",
    `(table 1 funcref) (elem (i32.const 0) $g) (func $g (result i32) (i32.const 1))
     (func (export "f") (result i32) (return_call_indirect (result i32) (i32.const 0)))`,
    entry + 1 + 6 + (entry + 1),
  ],
  ["a reference pays twenty", '(func (export "f") (drop (ref.func 0)))', entry + 20 + 1],
  ["unreachable pays one", '(func (export "f") (drop (i32.const 1)) (unreachable))', entry + 3],
];

for (const [what, text, units, ...args] of rows) {
  test(`fuel: ${what}`, async () => {
    const run = await meteredWat(text);
    assert.equal(run("f", args).fuel, units);
  });
}

test("fuel: what is never reached is never paid", async () => {
  const run = await meteredWat(`
    (func $never (result i32) ${"(drop (i32.const 1))".repeat(50)} (i32.const 1))
    (func (export "after_return") (result i32) (return (i32.const 1)) (drop (call $never)) (i32.const 2))
    (func (export "after_br") (block (br 0) (drop (call $never))))
    (func (export "not_taken") (if (i32.const 0) (then (drop (call $never)))))`);
  assert.equal(run("after_return").fuel, entry + 2);
  assert.equal(run("after_br").fuel, entry + 1);
  assert.equal(run("not_taken").fuel, entry + 2);
});

test("fuel: bulk memory pays by its operand before it runs", async () => {
  const run = await meteredWat(`(memory 2) (data $d "0123456789")
    (func (export "fill") (param $n i32) (memory.fill (i32.const 0) (i32.const 1) (local.get $n)))
    (func (export "copy") (param $n i32) (memory.copy (i32.const 0) (i32.const 1) (local.get $n)))
    (func (export "init") (param $n i32) (memory.init $d (i32.const 0) (i32.const 0) (local.get $n)))`);
  for (const name of ["fill", "copy"]) {
    for (const bytes of [0, 15, 16, 4096, 65_536]) {
      assert.equal(run(name, [bytes]).fuel, entry + 3 + 20 + Math.floor(bytes / costs.bytesPerUnit), name);
    }
  }
  assert.equal(run("init", [10]).fuel, entry + 3 + 20);
  // More than there is traps, and has been paid up to what there can be.
  const tooLong = run("fill", [-1], 1_000);
  assert.match(tooLong.trapped ?? "", /out of bounds/);
  assert.ok(tooLong.fuel >= (moduleLimits.memoryPages * 65_536) / costs.bytesPerUnit);
  assert.ok(tooLong.fuel < 2 ** 21);
});

test("fuel: bulk table instructions pay for each element, growing for the old ones as well", async () => {
  const run = await meteredWat(`(table $t 100 funcref) (elem $e func 0 0 0)
    (func)
    (func (export "fill") (param $n i32) (table.fill $t (i32.const 0) (ref.null func) (local.get $n)))
    (func (export "copy") (param $n i32) (table.copy $t $t (i32.const 0) (i32.const 1) (local.get $n)))
    (func (export "init") (param $n i32) (table.init $t $e (i32.const 0) (i32.const 0) (local.get $n)))
    (func (export "grow") (param $n i32) (drop (table.grow $t (ref.null func) (local.get $n))))`);
  const elements = (count: number) => count * costs.unitsPerElement;
  assert.equal(run("fill", [50]).fuel, entry + 3 + 40 + elements(50));
  assert.equal(run("copy", [50]).fuel, entry + 3 + 40 + elements(50));
  assert.equal(run("init", [3]).fuel, entry + 3 + 40 + elements(3));
  assert.equal(run("grow", [5]).fuel, entry + 2 + 200 + 1 + elements(105));
  assert.equal(run("grow", [5]).fuel, entry + 2 + 200 + 1 + elements(110));
});

test("fuel: memory.grow pays for each page, also when it is refused, but not for pages that cannot be", async () => {
  const run = await meteredWat(
    `(memory 1 4) (func (export "grow") (param $n i32) (result i32) (memory.grow (local.get $n)))`,
  );
  const fixed = entry + 1 + 500;
  assert.equal(run("grow", [0]).fuel, fixed);
  assert.equal(run("grow", [2]).fuel, fixed + 2 * costs.unitsPerPage);
  assert.deepEqual(run("grow", [100]), {
    fuel: fixed + 100 * costs.unitsPerPage,
    result: -1,
    trapped: null,
    slices: 0,
  });
  assert.equal(run("grow", [-1]).fuel, fixed + 256 * costs.unitsPerPage);
});

test("fuel: unreachable reports what was used; another trap the whole slice, and never nothing", async () => {
  const run = await meteredWat(`(memory 1)
    (func (export "unreachable") (param $n i32)
      (loop $l (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))) unreachable)
    (func (export "divide") (result i32) (i32.div_u (i32.const 1) (i32.const 0)))
    (func $deep (export "deep") (call $deep))
    (func (export "load") (result i32) (i32.load (i32.const -1)))`);
  assert.equal(run("unreachable", [1_000]).fuel, run("unreachable", [999]).fuel + 6);
  for (const name of ["divide", "load"]) {
    const ended = run(name, [], 5_000);
    assert.ok(ended.trapped);
    assert.equal(ended.fuel, 5_001, name);
    assert.equal(run(name, [], 0).fuel > 0, true, name);
  }
  assert.ok(run("deep").fuel > 2 ** 30);
});
