import assert from "node:assert/strict";
import { test } from "node:test";
import { meteredWat } from "./metered.ts";

const entry = 2;
const turn = 1;
/** `(drop (i32.const 0))`, so many times: two units each. */
const work = (times: number) => "(drop (i32.const 0))".repeat(times);

test("fuel: an if pays for the arm that runs, and what follows once", async () => {
  const run = await meteredWat(`
    (func (export "both") (param i32)
      (if (local.get 0) (then ${work(5)}) (else ${work(2)})) ${work(1)})
    (func (export "without_else") (param i32) (if (local.get 0) (then ${work(5)})) ${work(1)})`);
  const around = entry + 2 + 2;
  assert.equal(run("both", [1]).fuel, around + 10);
  assert.equal(run("both", [0]).fuel, around + 4);
  assert.equal(run("without_else", [1]).fuel, around + 10);
  assert.equal(run("without_else", [0]).fuel, around);
});

test("fuel: br and br_if pay one, and what they jump over pays nothing", async () => {
  const run = await meteredWat(`
    (func (export "br_if") (param i32) (block (br_if 0 (local.get 0)) ${work(3)}) ${work(1)})
    (func (export "br") (block (block (br 1)) ${work(3)}) ${work(1)})
    (func (export "out") (param i32) (br_if 0 (local.get 0)) ${work(3)})
    (func (export "value") (param i32) (result i32)
      (block (result i32) (br_if 0 (i32.const 5) (local.get 0)) (drop) (i32.const 6)))`);
  assert.equal(run("br_if", [1]).fuel, entry + 2 + 2);
  assert.equal(run("br_if", [0]).fuel, entry + 2 + 6 + 2);
  assert.equal(run("br").fuel, entry + 1 + 2);
  assert.equal(run("out", [1]).fuel, entry + 2);
  assert.equal(run("out", [0]).fuel, entry + 2 + 6);
  assert.deepEqual([run("value", [1]).result, run("value", [1]).fuel], [5, entry + 3]);
  assert.deepEqual([run("value", [0]).result, run("value", [0]).fuel], [6, entry + 5]);
});

test("fuel: br_table pays three, whichever way it goes", async () => {
  const run = await meteredWat(`
    (func (export "f") (param i32)
      (block $c (block $b (block $a (br_table $a $b $c (local.get 0))) ${work(10)}) ${work(100)}))`);
  assert.equal(run("f", [0]).fuel, entry + 4 + 20 + 200);
  assert.equal(run("f", [1]).fuel, entry + 4 + 200);
  assert.equal(run("f", [2]).fuel, entry + 4);
  assert.equal(run("f", [-1]).fuel, entry + 4);
});

test("fuel: return pays one from any depth", async () => {
  const run = await meteredWat(`
    (func (export "f") (param i32) (result i32)
      (block (block (if (local.get 0) (then (return (i32.const 1)))))) ${work(4)} (i32.const 2))`);
  assert.equal(run("f", [1]).fuel, entry + 2 + 2);
  assert.equal(run("f", [0]).fuel, entry + 2 + 8 + 1);
});

test("fuel: each turn of a loop pays one, and its instructions", async () => {
  const countdown = "(local.tee 0 (i32.sub (local.get 0) (i32.const 1)))";
  const run = await meteredWat(`
    (func (export "back") (param i32) (loop (br_if 0 ${countdown})))
    (func (export "once") (loop))
    (func (export "table") (param i32)
      (block $done (loop $a (loop $b (br_table $done $b $a ${countdown})))))
    (func (export "if") (param i32)
      (loop (if (local.get 0) (then (local.set 0 (i32.sub (local.get 0) (i32.const 1))) (br 1)))))`);
  for (const turns of [1, 2, 1_000]) {
    assert.equal(run("back", [turns]).fuel, entry + turns * (turn + 5), `${turns} turns`);
    // The last finds zero.
    assert.equal(run("if", [turns]).fuel, entry + turns * (turn + 2 + 5) + turn + 2, `${turns} turns`);
  }
  assert.equal(run("once").fuel, entry + turn);
  // Three to two enters the outer loop again, two to one only the inner one, one to zero leaves.
  assert.equal(run("table", [3]).fuel, entry + 3 * (turn + 4 + 3) + 2 * turn);
});

test("fuel: loops without instructions pay for their turns, endless recursion for its calls", async () => {
  const run = await meteredWat(`
    (func $down (export "recurse") (param i32) (if (local.get 0)
      (then (call $down (i32.sub (local.get 0) (i32.const 1))))))
    (func $even (export "tail") (param i32)
      (if (i32.eqz (local.get 0)) (then (return)))
      (return_call $odd (i32.sub (local.get 0) (i32.const 1))))
    (func $odd (param i32) (return_call $even (i32.sub (local.get 0) (i32.const 1))))`);
  assert.equal(run("recurse", [100]).fuel, 101 * (entry + 2) + 100 * 5);
  // A million tail calls need no stack.
  const million = run("tail", [1_000_000]);
  assert.equal(million.trapped, null);
  assert.equal(million.fuel, 500_001 * (entry + 3) + 1 + 500_000 * (entry + 5 + 5));
});

test("fuel: a million tail calls by reference need no stack either", async () => {
  const run = await meteredWat(`
    (type $t (func (param i32) (result i32)))
    (table 1 funcref) (elem (i32.const 0) $count)
    (func $count (export "tail") (param i32) (result i32)
      (if (i32.eqz (local.get 0)) (then (return (i32.const 7))))
      (return_call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0)))`);
  const million = run("tail", [1_000_000]);
  assert.deepEqual([million.trapped, million.result], [null, 7]);
  assert.equal(million.fuel, 1_000_001 * (entry + 3) + 2 + 1_000_000 * (4 + 6));
});

test("fuel: the host is asked in the middle of long straight code", async () => {
  const run = await meteredWat(`(func (export "f") ${work(5_000)})`);
  assert.equal(run("f").fuel, entry + 10_000);
  assert.ok(run("f", [], 100).slices >= 10);
});
