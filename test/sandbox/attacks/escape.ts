import { type BuiltModule, buildModule } from "../built-module.ts";
import type { Attacks } from "./attack.ts";

const attack = (body: string) => `(func (export "attack") (result i32) ${body} (i32.const 0))`;
/** Fails unless the condition (i32) is 1. */
const holds = (condition: string) => attack(`(if (i32.eqz ${condition}) (then (return (i32.const 1))))`);
const all = (...conditions: readonly string[]) =>
  conditions.reduce((left, right) => `(i32.and ${left} ${right})`);
const zero = (value: string) => `(i64.eqz ${value})`;
const forged = [
  "-1",
  "0x1000000000000",
  "-9223372036854775808",
  "0x7fffffffffffffff",
  "0x100000018",
  "1",
  "15",
];
const exported = (name: string): BuiltModule => ({
  exports: [
    { name: "attack", kind: "func", index: 0 },
    { name, kind: "func", index: 0 },
  ],
});

/** What would reach the host, another plugin, or what the call was not given. `ok` where the attack gets nothing. */
export const escapeAttacks: Attacks = {
  "an index out of range, of a function that metering adds": {
    outcome: "rejected",
    error: /function index #1 is out of bounds/,
    module: () =>
      buildModule({
        ...exported("x"),
        code: [{ locals: [], body: Uint8Array.of(0x10, 1, 0x1a, 0x41, 0, 0x0b) }],
      }),
  },
  "an index out of range, of a global that metering adds": {
    outcome: "rejected",
    error: /global/i,
    module: () =>
      buildModule({
        ...exported("x"),
        code: [{ locals: [], body: Uint8Array.of(0x23, 0, 0x1a, 0x41, 0, 0x0b) }],
      }),
  },
  "an import of our namespace": {
    outcome: "rejected",
    error: /"sandgate:meter" belongs to the host/,
    imports: '(import "sandgate:meter" "slice" (func $s (result i32)))',
    module: attack(""),
  },
  "an export named like ours": {
    outcome: "rejected",
    error: /"sandgate:fuel" belongs to the host/,
    module: () => buildModule(exported("sandgate:fuel")),
  },
  "an export named then": { outcome: "ok", module: () => buildModule(exported("then")) },
  "an export named __proto__": { outcome: "ok", module: () => buildModule(exported("__proto__")) },
  "an export named constructor": { outcome: "ok", module: () => buildModule(exported("constructor")) },
  "an export without name": { outcome: "ok", module: () => buildModule(exported("")) },
  "an export named hs_init of the type of a hook": {
    outcome: "ok",
    module: () => buildModule(exported("hs_init")),
  },
  "an import named __proto__": {
    outcome: "rejected",
    error: /__proto__ does not exist/,
    imports: '(import "extism:host/env" "__proto__" (func))',
    module: attack(""),
  },
  "an import named constructor": {
    outcome: "rejected",
    error: /constructor does not exist/,
    imports: '(import "constructor" "constructor" (func))',
    module: attack(""),
  },
  "an import whose name and namespace are cut elsewhere": {
    outcome: "rejected",
    error: /does not exist|cannot/,
    imports: '(import "extism:host/env.log_info" "" (func))',
    module: attack(""),
  },
  "an import of the kernel with another type": {
    outcome: "rejected",
    error: /^import extism:host\/env\.alloc is \(i64\) -> \(i64\), the module says \(i32\) -> \(i32\)$/,
    imports: '(import "extism:host/env" "alloc" (func (param i32) (result i32)))',
    module: attack(""),
  },
  "an import of the host with another type": {
    outcome: "rejected",
    error: /^import extism:host\/env\.log_warn is \(i64\) -> \(\), the module says \(\) -> \(externref\)$/,
    imports: '(import "extism:host/env" "log_warn" (func (result externref)))',
    module: attack(""),
  },
  "an import of what only the host may call": {
    outcome: "rejected",
    error: /extism:host\/env\.reset does not exist/,
    imports: '(import "extism:host/env" "reset" (func))',
    module: attack(""),
  },
  "a host function that is the hook itself": {
    outcome: "ok",
    imports: '(import "wasi_snapshot_preview1" "sched_yield" (func $y (result i32)))',
    module: '(export "attack" (func $y))',
  },
  "a host function that is start": {
    outcome: "ok",
    imports: '(import "extism:host/user" "poke" (func $poke))',
    module: `(start $poke) ${attack("")}`,
    options: {
      imports: {
        "extism:host/user.poke": { params: 0, result: false, suspends: true, run: () => Promise.resolve(0n) },
      },
    },
  },
  "a host function called through a table": {
    outcome: "ok",
    imports: '(import "extism:host/user" "poke" (func $poke))',
    module: `(type $t (func)) (table 1 funcref) (elem (i32.const 0) $poke)
      ${attack("(call_indirect (type $t) (i32.const 0))")}`,
    options: {
      imports: {
        "extism:host/user.poke": { params: 0, result: false, suspends: true, run: () => Promise.resolve(0n) },
      },
    },
  },
  "forged offsets: nothing is read, nothing written": {
    outcome: "ok",
    input: "secret!!",
    module: holds(
      all(
        ...forged.flatMap((offset) => [
          zero(`(call $load_u64 (i64.const ${offset}))`),
          `(i32.eqz (call $load_u8 (i64.const ${offset})))`,
          zero(`(call $length (i64.const ${offset}))`),
          zero(`(call $config_get (i64.const ${offset}))`),
          zero(`(call $var_get (i64.const ${offset}))`),
        ]),
      ),
    ),
  },
  "forged offsets of input positions": {
    outcome: "ok",
    input: "secret!!",
    module: holds(
      all(
        ...["-1", "-8", "8", "0x100000000", "0xfffffff8"].flatMap((offset) => [
          zero(`(call $input_load_u64 (i64.const ${offset}))`),
          `(i32.eqz (call $input_load_u8 (i64.const ${offset})))`,
        ]),
      ),
    ),
  },
  "output_set beyond the end": {
    outcome: "ok",
    input: "secret!!",
    module: attack(`
      (call $output_set (call $input_offset) (i64.const 0x7fffffff))
      (call $output_set (call $input_offset) (i64.const -1))
      (call $output_set (i64.const -1) (i64.const 2))
      (call $output_set (i64.const 0) (i64.const 16))`),
  },
  "a double free": {
    outcome: "ok",
    module: `${attack(`(local $a i64) (local $b i64)
      (local.set $a (call $alloc (i64.const 32)))
      (call $free (local.get $a)) (call $free (local.get $a))
      (local.set $a (call $alloc (i64.const 32)))
      (local.set $b (call $alloc (i64.const 32)))
      (if (i64.eq (local.get $a) (local.get $b)) (then (return (i32.const 1))))`)}`,
  },
  "a use after free": {
    outcome: "ok",
    module: attack(`(local $a i64)
      (local.set $a (call $alloc (i64.const 32)))
      (call $free (local.get $a))
      (call $store_u64 (local.get $a) (i64.const -1))
      (if (i64.ne (call $length (local.get $a)) (i64.const 0)) (then (return (i32.const 1))))`),
  },
  "an error that lies nowhere": {
    outcome: "ok",
    module: attack("(call $error_set (i64.const -1)) (call $error_set (i64.const 0x1000000000000))"),
  },
  proc_exit: {
    outcome: "trap",
    error: /^proc_exit\(0\): a plugin cannot exit$/,
    imports: '(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))',
    module: attack("(call $exit (i32.const 0))"),
  },
  "a host function that blocks": {
    outcome: "error",
    error: /^returned 52 without an error$/,
    imports:
      '(import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))',
    module:
      '(func (export "attack") (result i32) (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))',
  },
  "addresses of WASI beyond the memory": {
    outcome: "ok",
    imports: `
      (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))`,
    module: `(data (i32.const 0) "\\f8\\ff\\ff\\ff\\ff\\ff\\ff\\ff") ${holds(
      all(
        "(i32.eq (call $random (i32.const -1) (i32.const 8)) (i32.const 21))",
        "(i32.eq (call $random (i32.const 0) (i32.const -1)) (i32.const 28))",
        "(i32.eq (call $clock (i32.const 0) (i64.const 0) (i32.const 65529)) (i32.const 21))",
        "(i32.eq (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 64)) (i32.const 21))",
        "(i32.eq (call $write (i32.const 1) (i32.const -8) (i32.const 1) (i32.const 64)) (i32.const 21))",
        "(i32.eq (call $write (i32.const 1) (i32.const 0) (i32.const -1) (i32.const 64)) (i32.const 28))",
      ),
    )}`,
  },
};
