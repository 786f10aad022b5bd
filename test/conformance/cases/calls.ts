import type { Case } from "./case.ts";

/** Calls, tail calls, imports, the start function and globals. */
export const callCases: readonly Case[] = [
  {
    name: "calls and tail calls",
    module: `(module
      (func $fac (export "fac") (param i64) (result i64)
        (if (result i64) (i64.eqz (local.get 0)) (then (i64.const 1))
          (else (i64.mul (local.get 0) (call $fac (i64.sub (local.get 0) (i64.const 1)))))))
      (func $fib (export "fib") (param i32) (result i32)
        (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))
          (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
            (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
      (func $even (export "even") (param i32) (result i32)
        (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 1))
          (else (return_call $odd (i32.sub (local.get 0) (i32.const 1))))))
      (func $odd (param i32) (result i32)
        (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 0))
          (else (return_call $even (i32.sub (local.get 0) (i32.const 1))))))
      (func $sum (export "tail_sum") (param i64 i64) (result i64)
        (if (i64.eqz (local.get 0)) (then (return (local.get 1))))
        (return_call $sum (i64.sub (local.get 0) (i64.const 1)) (i64.add (local.get 0) (local.get 1))))
      (func $forever (export "recurse_forever") (result i32) (i32.add (call $forever) (i32.const 1)))
      (func $many (param i32 i64 f32 f64 i32 i64 f32 f64 i32 i64) (result i64 f64)
        (i64.add (local.get 9) (i64.extend_i32_s (local.get 8))) (f64.add (local.get 3) (local.get 7)))
      (func (export "many") (result i64 f64)
        (call $many (i32.const 1) (i64.const 2) (f32.const 3) (f64.const 4) (i32.const 5) (i64.const 6)
          (f32.const 7) (f64.const 8) (i32.const 9) (i64.const 10))))`,
    calls: [
      "fac(20n) = 2432902008176640000n",
      "fib(15) = 610",
      "even(100000) = 1",
      "even(100001) = 0",
      "tail_sum(100000n, 0n) = 5000050000n",
      "recurse_forever() traps Maximum call stack size exceeded",
      "many() = 19n, 12",
    ],
  },
  {
    name: "imports, start and globals",
    imports: (note) => ({
      env: {
        note: (value: number) => note(`note ${value}`),
        add: (left: bigint, right: bigint) => left + right,
        fail: () => {
          throw new Error("the host failed");
        },
        "": () => 5,
      },
    }),
    module: `(module
      (import "env" "note" (func $note (param i32)))
      (import "env" "add" (func $add (param i64 i64) (result i64)))
      (import "env" "fail" (func $fail))
      (import "env" "" (func $nameless (result i32)))
      (export "reexported" (func $note))
      (memory (export "memory") 1)
      (global $count (export "count") (mut i32) (i32.const 3))
      (global (export "constant") i64 (i64.const -9))
      (global (export "float") (mut f32) (f32.const -0))
      (global (export "double") f64 (f64.const 1e300))
      (global $ref (export "reference") (mut funcref) (ref.func $note))
      (global $own (export "own") funcref (ref.func $bump))
      (global $thing (export "thing") (mut externref) (ref.null extern))
      (data (i32.const 10) "before start")
      (start $start)
      (func $start
        (call $note (global.get $count)) (call $bump) (i32.store8 (i32.const 10) (i32.const 66)))
      (func $bump (export "bump") (global.set $count (i32.add (global.get $count) (i32.const 1))))
      (func (export "add") (param i64 i64) (result i64) (call $add (local.get 0) (local.get 1)))
      (func (export "tail_add") (param i64 i64) (result i64) (return_call $add (local.get 0) (local.get 1)))
      (func (export "fail") (call $bump) (call $fail) (call $bump))
      (func (export "nameless") (result i32) (call $nameless))
      (func (export "set_reference") (global.set $ref (ref.func $bump)))
      (func (export "set_thing") (param externref) (global.set $thing (local.get 0)))
      (func (export "") (result i32) (i32.const 77))
      (func (export "hs_init") (param i32 i32) (global.set $count (local.get 1))))`,
    calls: [
      "bump() = none",
      "reexported(8) = none",
      "add(-1n, 9223372036854775807n) = 9223372036854775806n",
      "tail_add(2n, 3n) = 5n",
      "fail() traps the host failed",
      "nameless() = 5",
      "set_reference() = none",
      "set_thing(text here) = none",
      "hs_init(1, 50) = none",
      "bump() = none",
    ],
  },
  {
    name: "a start function that traps",
    imports: (note) => ({ env: { note: () => note("started") } }),
    module: `(module (import "env" "note" (func $note))
      (func $start (call $note) unreachable) (start $start) (func (export "never")))`,
    startTraps: "unreachable",
    calls: [],
  },
  {
    name: "nothing at all",
    module: "(module)",
    calls: [],
  },
];
