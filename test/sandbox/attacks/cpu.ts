import { assemble, type Instruction } from "#host/sandbox/wasm/emit.ts";
import type { FuncType } from "#host/sandbox/wasm/module.ts";
import { i32 } from "#host/sandbox/wasm/value-types.ts";
import { answering, buildModule } from "../built-module.ts";
import type { Attacks } from "./attack.ts";
import { compileText } from "./compile-text.ts";

const hook: FuncType = { params: [], results: [i32] };
const step: FuncType = { params: [i32], results: [i32] };
const attackExport = { name: "attack", kind: "func", index: 0 } as const;
const fuel = /^more than 500000000 units of fuel$/;
const attack = (body: string) => `(func (export "attack") (result i32) ${body} (i32.const 0))`;

/** The text format's reader knows no tail calls. */
function withTailCalls(first: readonly Instruction[], second: readonly Instruction[]): () => Uint8Array {
  return () =>
    buildModule({
      types: [hook, step],
      functions: [0, 1],
      exports: [attackExport],
      tables: [{ element: 0x70, limits: { min: 1, max: 1 } }],
      elements: [
        {
          segment: { mode: "active", index: 0, offset: assemble([["i32.const", 0], ["end"]]) },
          type: 0x70,
          items: { functions: [1] },
        },
      ],
      code: [answering([...first, ["drop"]]), { locals: [], body: assemble([...second, ["end"]]) }],
    });
}

/** What would keep the thread for ever. */
export const cpuAttacks: Attacks = {
  "an endless loop": {
    outcome: "fuel",
    error: fuel,
    module: attack("(local $i i32) (loop $l (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $l))"),
  },
  "an empty loop": { outcome: "fuel", error: fuel, module: attack("(loop $l (br $l))") },
  "br_table back to several loops": {
    outcome: "fuel",
    error: fuel,
    module: attack(`(local $i i32)
      (loop $a (loop $b (loop $c
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_table $a $b $c $a (i32.rem_u (local.get $i) (i32.const 4))))))`),
  },
  "an if without else before a back-edge": {
    outcome: "fuel",
    error: fuel,
    module: attack("(loop $l (if (i32.const 0) (then (nop))) (br $l))"),
  },
  "an if that never branches back inside, only behind": {
    outcome: "fuel",
    error: fuel,
    module: attack(
      "(local $i i32) (loop $l (if (local.get $i) (then (return (i32.const 0)))) (br_if $l (i32.const 1)))",
    ),
  },
  "a tree of calls without a loop": {
    outcome: "fuel",
    error: fuel,
    module: `${Array.from({ length: 40 }, (_, at) => `(func $f${at} (call $f${at + 1}) (call $f${at + 1}))`).join("")}
      (func $f40) ${attack("(call $f0)")}`,
  },
  "a loop of tail calls": {
    outcome: "fuel",
    error: fuel,
    module: withTailCalls(
      [
        ["i32.const", 0],
        ["call", 1],
      ],
      [
        ["local.get", 0],
        ["return_call", 1],
      ],
    ),
  },
  "a loop of indirect tail calls": {
    outcome: "fuel",
    error: fuel,
    module: withTailCalls(
      [
        ["i32.const", 0],
        ["call", 1],
      ],
      [
        ["local.get", 0],
        ["i32.const", 0],
        ["return_call_indirect", 1, 0],
      ],
    ),
  },
  recursion: {
    outcome: "trap",
    error: /^call stack exhausted$/,
    module: `(func $f (param i32) (result i32) (i32.add (call $f (local.get 0)) (i32.const 1))) ${attack("(drop (call $f (i32.const 1)))")}`,
  },
  "recursion by call_indirect": {
    outcome: "trap",
    error: /^call stack exhausted$/,
    module: `(type $t (func (result i32))) (table 1 funcref) (elem (i32.const 0) $f)
      (func $f (result i32) (i32.add (i32.const 1) (call_indirect (type $t) (i32.const 0)))) ${attack("(drop (call $f))")}`,
  },
  "recursion over frames of 2,000 locals": {
    outcome: "trap",
    error: /^call stack exhausted$/,
    module: `(func $f (param i64) (result i64) (local ${"i64 ".repeat(1_990)})
      (local.set 1000 (local.get 0))
      (i64.add (call $f (local.get 0)) (local.get 1000))) ${attack("(drop (call $f (i64.const 1)))")}`,
  },
  "a loop in start": {
    outcome: "fuel",
    error: fuel,
    module: `(func $s (loop $l (br $l))) (start $s) ${attack("")}`,
  },
  "a loop in _initialize": {
    outcome: "fuel",
    error: fuel,
    module: `(func (export "_initialize") (loop $l (br $l))) ${attack("")}`,
  },
  "a loop in __wasm_call_ctors": {
    outcome: "fuel",
    error: fuel,
    module: `(func (export "__wasm_call_ctors") (loop $l (br $l))) ${attack("")}`,
  },
  "a loop in a catch handler": {
    outcome: "rejected",
    error: /exceptions/,
    // () -> i32: try, catch_all, loop, br 0, end, end.
    module: () =>
      buildModule({
        exports: [attackExport],
        code: [
          {
            locals: [],
            body: Uint8Array.of(0x06, 0x40, 0x19, 0x03, 0x40, 0x0c, 0, 0x0b, 0x0b, 0x41, 0, 0x0b),
          },
        ],
      }),
  },
  "a series of memory.fill": {
    outcome: "fuel",
    error: fuel,
    memory: "256",
    module: attack("(loop $l (memory.fill (i32.const 0) (i32.const 1) (i32.const 16777216)) (br $l))"),
  },
  "a series of memory.copy": {
    outcome: "fuel",
    error: fuel,
    memory: "256",
    module: attack("(loop $l (memory.copy (i32.const 1) (i32.const 0) (i32.const 16777215)) (br $l))"),
  },
  "a series of memory.init": {
    outcome: "fuel",
    error: fuel,
    module: `(data $d "${"x".repeat(60_000)}")
      ${attack("(loop $l (memory.init $d (i32.const 0) (i32.const 0) (i32.const 60000)) (br $l))")}`,
  },
  "a series of table.grow": {
    outcome: "fuel",
    error: fuel,
    module: `(table $t 1 funcref) ${attack("(loop $l (drop (table.grow $t (ref.null func) (i32.const 1))) (br $l))")}`,
  },
  "a series of table.fill": {
    outcome: "fuel",
    error: fuel,
    module: `(table $t 32768 externref)
      ${attack("(loop $l (table.fill $t (i32.const 0) (ref.null extern) (i32.const 32768)) (br $l))")}`,
  },
  "a series of memory.grow(0)": {
    outcome: "fuel",
    error: fuel,
    module: attack("(loop $l (drop (memory.grow (i32.const 0))) (br $l))"),
  },
  "a storm of host calls": {
    outcome: "fuel",
    error: /^more than 10000 host calls$/,
    module: attack("(loop $l (drop (call $config_get (i64.const 0))) (br $l))"),
  },
  "a storm of host calls that suspend": {
    outcome: "fuel",
    error: /^more than 10000 host calls$/,
    imports: '(import "extism:host/user" "soon" (func $soon (result i64)))',
    module: attack("(loop $l (drop (call $soon)) (br $l))"),
    options: {
      imports: {
        "extism:host/user.soon": { params: 0, result: true, suspends: true, run: () => Promise.resolve(0n) },
      },
    },
  },
  "a storm of host calls with large blocks": {
    outcome: "fuel",
    error: /^more than 10000 host calls$/,
    module: attack(`(local $b i64) (local.set $b (call $alloc (i64.const 16000000)))
      (loop $l (drop (call $config_get (local.get $b))) (br $l))`),
  },
  "a storm of host calls with keys that are not UTF-8": {
    outcome: "fuel",
    error: /^more than 10000 host calls$/,
    module: attack(`(local $b i64) (local $i i64) (local.set $b (call $alloc (i64.const 2048)))
      (loop $f (call $store_u64 (i64.add (local.get $b) (local.get $i)) (i64.const -1))
        (br_if $f (i64.lt_u (local.tee $i (i64.add (local.get $i) (i64.const 8))) (i64.const 2048))))
      (loop $l (drop (call $config_get (local.get $b))) (br $l))`),
  },
  "host calls at every depth until the stack is used up": {
    outcome: "trap",
    error: /^call stack exhausted$/,
    module: `(func $deep (result i64) (drop (call $config_get (call $alloc (i64.const 8)))) (i64.add (i64.const 1) (call $deep)))
      ${attack("(drop (call $deep))")}`,
  },
  "a storm of allocations": {
    outcome: "fuel",
    error: fuel,
    module: attack("(loop $l (drop (call $alloc (i64.const 8))) (br $l))"),
  },
  "a storm of allocations that fail": {
    outcome: "fuel",
    error: fuel,
    module: attack("(loop $l (drop (call $alloc (i64.const 0x2000000))) (br $l))"),
  },
  "headers of the kernel, overwritten and followed": {
    outcome: "fuel",
    error: fuel,
    module: attack(`(local $b i64)
      (local.set $b (call $alloc (i64.const 64)))
      (call $store_u64 (i64.sub (local.get $b) (i64.const 8)) (i64.const -1))
      (loop $l (call $free (local.get $b)) (drop (call $length (local.get $b))) (br $l))`),
  },
  "a regular expression in TypeScript that backtracks for ever": {
    outcome: "fuel",
    error: fuel,
    module: () => compileText(`export function attack() { return /^(a+)+$/.test("a".repeat(40) + "!"); }`),
  },
  "a native indexOf in TypeScript, again and again": {
    outcome: "fuel",
    error: fuel,
    module: () =>
      compileText(`const hay = "a".repeat(100_000); const needle = "a".repeat(50_000) + "b";
        export function attack() { for (;;) hay.indexOf(needle); }`),
  },
  "an endless promise in TypeScript": {
    outcome: "fuel",
    error: fuel,
    module: () => compileText("export async function attack() { for (;;) await null; }"),
  },
};
