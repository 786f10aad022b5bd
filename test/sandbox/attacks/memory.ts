import type { HostCall, HostImport } from "#host/capabilities/capability.ts";
import { callLimits } from "#host/limits.ts";
import { assemble } from "#host/sandbox/wasm/emit.ts";
import { i32 } from "#host/sandbox/wasm/value-types.ts";
import { answering, buildModule, bytesBody, distinctTypes, joined, repeated } from "../built-module.ts";
import type { Attacks } from "./attack.ts";

const { outputBytes, hostReadBytes, hostTextBytes, varValueBytes } = callLimits;
const attack = (body: string) => `(func (export "attack") (result i32) ${body} (i32.const 0))`;
const waiting = (wait: () => Promise<bigint>): HostImport => ({
  params: 0,
  result: true,
  suspends: true,
  run: wait,
});
const never = waiting(() => new Promise(() => {}));
const soon = waiting(() => new Promise((resolve) => setImmediate(resolve, 0n)));
const taking = (run: (call: HostCall, offset: bigint) => unknown): HostImport => ({
  params: 1,
  result: false,
  suspends: false,
  run: (call, offset = 0n) => {
    run(call, offset);
    return undefined;
  },
});
const take = taking((call, offset) => call.read(offset));
const takeText = taking((call, offset) => call.readText(offset));
const wait = '(import "extism:host/user" "wait" (func $wait (result i64)))';
const limits = { fuel: callLimits.fuel, deadlineMs: 50, memoryPages: 256 };
/** Allocates `bytes` and does something with the block. */
const withBlock = (bytes: number, use: string) =>
  attack(`(local $b i64) (local.set $b (call $alloc (i64.const ${bytes}))) ${use}`);

/** What would take all memory, or all of something else that there is little of. */
export const memoryAttacks: Attacks = {
  "65,536 pages at start": {
    outcome: "rejected",
    error: /memoryPages = 256/,
    memory: "65536",
    module: attack(""),
  },
  "growth to the cap, and on": {
    outcome: "memory",
    error: /after the memory limit refused to grow$/,
    module: attack("(loop $l (br_if $l (i32.ge_s (memory.grow (i32.const 16)) (i32.const 0)))) unreachable"),
  },
  "growth to the cap, every page written": {
    outcome: "memory",
    error: /after the memory limit refused to grow$/,
    module: attack(`(local $page i32)
      (loop $l
        (if (i32.lt_s (local.tee $page (memory.grow (i32.const 1))) (i32.const 0)) (then unreachable))
        (memory.fill (i32.shl (local.get $page) (i32.const 16)) (i32.const 255) (i32.const 65536))
        (br $l))`),
  },
  "a table of 10,000,000": {
    outcome: "rejected",
    error: /tableElements/,
    module: `(table 10000000 funcref) ${attack("")}`,
  },
  "ten tables of 10,000,000": {
    outcome: "rejected",
    error: /tables = 8/,
    module: `${"(table 10000000 funcref)".repeat(10)} ${attack("")}`,
  },
  "98,304 types": {
    outcome: "rejected",
    error: /types = 4000/,
    module: () => buildModule({ types: distinctTypes(16_384).flatMap((type) => Array(6).fill(type)) }),
  },
  "2^32 - 1 locals": {
    outcome: "rejected",
    error: /localsPerFunction/,
    module: () => buildModule({ code: [answering([], 2 ** 32 - 1)] }),
  },
  "100,000 blocks inside each other": {
    outcome: "rejected",
    error: /nestingPerFunction/,
    module: () =>
      buildModule({
        code: [bytesBody(joined(repeated(100_000, [["block", null]]), repeated(100_000, [["end"]])))],
      }),
  },
  "a data segment of 5,000,000 bytes": {
    outcome: "rejected",
    error: /moduleBytes/,
    module: () =>
      buildModule({
        dataCount: 1,
        data: [{ segment: { mode: "passive" }, bytes: new Uint8Array(5_000_000) }],
      }),
  },
  "a data segment beyond the memory": {
    outcome: "rejected",
    error: /cannot be instantiated: .*out of bounds/,
    module: () =>
      buildModule({
        memories: [{ min: 1, max: 1 }],
        data: [
          {
            segment: { mode: "active", index: 0, offset: assemble([["i32.const", 65_000], ["end"]]) },
            bytes: new Uint8Array(4_000_000),
          },
        ],
      }),
  },
  "a constant of a megabyte": {
    outcome: "rejected",
    error: /constant expressions of over 128 bytes/,
    module: () =>
      buildModule({
        globals: [
          {
            type: { type: i32, mutable: false },
            init: joined(repeated(350_000, [["i32.const", 1]]), assemble([["end"]])),
          },
        ],
      }),
  },
  "a flood of output": {
    outcome: "memory",
    error: /^output of 1048577 bytes; the limit is 1048576$/,
    module: withBlock(outputBytes + 1, `(call $output_set (local.get $b) (i64.const ${outputBytes + 1}))`),
  },
  "a flood of error": {
    outcome: "error",
    module: withBlock(1_000_000, "(call $error_set (local.get $b))"),
    error: /^\0{8192}$/,
  },
  "a flood of log lines": {
    outcome: "ok",
    module: `(data (i32.const 0) "line") ${attack(`(local $b i64) (local $i i32)
      (local.set $b (call $block (i32.const 0) (i32.const 4)))
      (loop $l (call $log_info (local.get $b))
        (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 5000))))`)}`,
  },
  "a line of log of 30 MB": {
    outcome: "ok",
    module: withBlock(30_000_000, "(call $log_info (local.get $b))"),
  },
  "a flood of variables": {
    outcome: "memory",
    error: /^variables: more than 1048576 bytes together$/,
    module: attack(`(local $key i64) (local $value i64) (local $i i64)
      (local.set $key (call $alloc (i64.const 8)))
      (local.set $value (call $alloc (i64.const ${varValueBytes})))
      (loop $l
        (local.set $i (i64.add (local.get $i) (i64.const 1)))
        (call $store_u64 (local.get $key) (i64.add (i64.const 0x3030303030303030) (local.get $i)))
        (call $var_set (local.get $key) (local.get $value))
        (br $l))`),
  },
  "a flood of small variables": {
    outcome: "memory",
    error: /^variables: more than 256 entries$/,
    module: attack(`(local $key i64) (local $i i64)
      (local.set $key (call $alloc (i64.const 8)))
      (loop $l
        (local.set $i (i64.add (local.get $i) (i64.const 1)))
        (call $store_u8 (local.get $key) (i32.add (i32.const 33) (i32.rem_u (i32.wrap_i64 (local.get $i)) (i32.const 90))))
        (call $store_u8 (i64.add (local.get $key) (i64.const 1)) (i32.add (i32.const 33) (i32.div_u (i32.wrap_i64 (local.get $i)) (i32.const 90))))
        (call $var_set (local.get $key) (local.get $key))
        (br $l))`),
  },
  "a variable whose key is not UTF-8": {
    outcome: "error",
    error: /^variables: a key that is not UTF-8$/,
    module: withBlock(
      8,
      "(call $store_u64 (local.get $b) (i64.const -1)) (call $var_set (local.get $b) (local.get $b))",
    ),
  },
  "a variable that is too long": {
    outcome: "memory",
    error: /^variables: a value over 65536 bytes$/,
    module: withBlock(varValueBytes + 1, "(call $var_set (call $alloc (i64.const 8)) (local.get $b))"),
  },
  "a block of 30 MB for a host function": {
    outcome: "memory",
    error: new RegExp(`^a block of 30000000 bytes for a host function; the limit is ${hostReadBytes}$`),
    imports: '(import "extism:host/user" "take" (func $take (param i64)))',
    module: withBlock(30_000_000, "(call $take (local.get $b))"),
    options: { imports: { "extism:host/user.take": take } },
  },
  "a text of 1 MB for a host function": {
    outcome: "memory",
    error: new RegExp(`^a block of 1000000 bytes for a host function; the limit is ${hostTextBytes}$`),
    imports: '(import "extism:host/user" "take_text" (func $take_text (param i64)))',
    module: withBlock(1_000_000, "(call $take_text (local.get $b))"),
    options: { imports: { "extism:host/user.take_text": takeText } },
  },
  "a host promise that never settles": {
    outcome: "deadline",
    error: /^not done after \d+ ms$/,
    imports: wait,
    module: attack("(drop (call $wait))"),
    options: { imports: { "extism:host/user.wait": never }, limits },
  },
  "a deep stack that suspends": {
    outcome: "ok",
    imports: wait,
    module: `(func $deep (param i32)
        (if (local.get 0) (then (call $deep (i32.sub (local.get 0) (i32.const 1)))) (else (drop (call $wait)))))
      ${attack("(call $deep (i32.const 2000))")}`,
    options: { imports: { "extism:host/user.wait": soon } },
  },
  "a stack that suspends at every depth until it is used up": {
    outcome: "trap",
    error: /^call stack exhausted$/,
    imports: wait,
    module: `(func $deep (result i64) (drop (call $wait)) (i64.add (i64.const 1) (call $deep)))
      ${attack("(drop (call $deep))")}`,
    options: { imports: { "extism:host/user.wait": soon } },
  },
};
