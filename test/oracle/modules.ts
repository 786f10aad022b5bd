import { assembleWat, env, helpersWat } from "#test/sandbox/fixture.ts";
import type { OracleCall, OracleModule } from "./outcome.ts";

/** A module by hand, in the text format, and calls of it. */
export type OracleCase = OracleModule & { readonly name: string; readonly calls: readonly OracleCall[] };

export function byHand(text: string): Uint8Array {
  return assembleWat(`(module ${env}
    (import "extism:host/env" "http_request" (func $http_request (param i64 i64) (result i64)))
    (import "extism:host/env" "http_status_code" (func $http_status_code (result i32)))
    (import "extism:host/env" "length_unsafe" (func $length_unsafe (param i64) (result i64)))
    (import "extism:host/env" "log_warn" (func $log_warn (param i64)))
    (import "extism:host/env" "log_debug" (func $log_debug (param i64)))
    (memory (export "memory") 1)
    (data (i32.const 0) "hello key value other")
    ${helpersWat}
    ;; hello = 0 5, key = 6 3, value = 10 5, other = 16 5
    (func $hello (result i64) (call $block (i32.const 0) (i32.const 5)))
    (func $key (result i64) (call $block (i32.const 6) (i32.const 3)))
    (func $value (result i64) (call $block (i32.const 10) (i32.const 5)))
    (func $other (result i64) (call $block (i32.const 16) (i32.const 5)))
    ${text})`);
}

const ok = "(i32.const 0)";
const everyByte = Uint8Array.from({ length: 256 }, (_, index) => index);

export const byHandCases: readonly OracleCase[] = [
  {
    name: "input by bytes and by words to output",
    wasm: byHand(`
      (func (export "by_bytes") (result i32) (local $n i64) (local $b i64) (local $i i64)
        (local.set $n (call $input_length))
        (local.set $b (call $alloc (local.get $n)))
        (block $done (loop $next
          (br_if $done (i64.ge_u (local.get $i) (local.get $n)))
          (call $store_u8 (i64.add (local.get $b) (local.get $i)) (call $input_load_u8 (local.get $i)))
          (local.set $i (i64.add (local.get $i) (i64.const 1)))
          (br $next)))
        (call $output_set (local.get $b) (local.get $n)) ${ok})
      (func (export "by_words") (result i32) (local $b i64) (local $i i64)
        (local.set $b (call $alloc (call $input_length)))
        (block $done (loop $next
          (br_if $done (i64.gt_u (i64.add (local.get $i) (i64.const 8)) (call $input_length)))
          (call $store_u64 (i64.add (local.get $b) (local.get $i)) (call $input_load_u64 (local.get $i)))
          (local.set $i (i64.add (local.get $i) (i64.const 8)))
          (br $next)))
        (call $answer (local.get $b)) ${ok})
      (func (export "the_input_itself") (result i32)
        (call $output_set (call $input_offset) (call $input_length)) ${ok})
      (func (export "length_of_input") (result i32)
        (call $answer_number (call $length (call $input_offset))) ${ok})`),
    calls: [
      ["by_bytes", "some text"],
      ["by_bytes", everyByte],
      ["by_bytes", "é💥"],
      ["by_words", everyByte],
      ["the_input_itself", "back again"],
      ["length_of_input", "twelve bytes"],
      ["by_bytes", "x".repeat(100_000)],
    ],
  },
  {
    name: "blocks: alloc, length, load and store, free",
    wasm: byHand(`
      (func (export "lengths") (result i32) (local $b i64)
        (local.set $b (call $alloc (i64.const 24)))
        (call $store_u64 (local.get $b) (call $length (call $hello)))
        (call $store_u64 (i64.add (local.get $b) (i64.const 8)) (call $length_unsafe (call $alloc (i64.const 4000))))
        (call $store_u64 (i64.add (local.get $b) (i64.const 16)) (call $length (i64.const 0x7fff000000000000)))
        (call $answer (local.get $b)) ${ok})
      (func (export "mixed") (result i32) (local $b i64)
        (local.set $b (call $alloc (i64.const 16)))
        (call $store_u64 (local.get $b) (i64.const 0x4847464544434241))
        (call $store_u8 (i64.add (local.get $b) (i64.const 3)) (i32.const 0x178))
        (call $store_u64 (i64.add (local.get $b) (i64.const 8)) (call $load_u64 (local.get $b)))
        (call $store_u8 (i64.add (local.get $b) (i64.const 15)) (call $load_u8 (i64.add (local.get $b) (i64.const 3))))
        (call $answer (local.get $b)) ${ok})
      (func (export "freed") (result i32) (local $b i64)
        (local.set $b (call $hello))
        (call $free (local.get $b))
        (call $answer_number (call $length (local.get $b))) ${ok})
      (func (export "new_blocks_are_zero") (result i32) (call $answer (call $alloc (i64.const 32))) ${ok})`),
    calls: [
      ["lengths", ""],
      ["mixed", ""],
      ["freed", ""],
      ["new_blocks_are_zero", ""],
    ],
  },
  {
    name: "output: none, one block, the last one that was set",
    wasm: byHand(`
      (func (export "none") (result i32) ${ok})
      (func (export "without_code") (call $answer (call $hello)))
      (func (export "twice") (result i32) (call $answer (call $hello)) (call $answer (call $other)) ${ok})`),
    calls: [
      ["none", "ignored"],
      ["without_code", ""],
      ["twice", ""],
      ["none", "nothing is left of the last call"],
    ],
  },
  {
    name: "failures: an error that is set, a trap, no such function",
    wasm: byHand(`
      (func (export "error") (result i32) (call $error_set (call $hello)) (i32.const 1))
      (func (export "error_with_code_0") (result i32) (call $error_set (call $hello)) ${ok})
      (func (export "error_and_output") (result i32)
        (call $answer (call $value)) (call $error_set (call $other)) (i32.const -1))
      (func (export "last_error") (result i32)
        (call $error_set (call $hello)) (call $error_set (call $other)) (i32.const 1))
      (func (export "fine") (result i32) (call $answer (call $value)) ${ok})
      (func (export "unreachable") (result i32) unreachable)
      (func (export "divide") (result i32) (i32.div_u (i32.const 1) (i32.const 0)))
      (func (export "out_of_bounds") (result i32) (i32.load (i32.const 65536)))
      (func (export "null_call") (result i32) (call_indirect (result i32) (i32.const 0)))
      (table 1 funcref)`),
    calls: [
      ["error", ""],
      ["error_with_code_0", ""],
      ["fine", ""],
      ["error_and_output", ""],
      ["last_error", ""],
      ["fine", ""],
    ],
  },
  ...["unreachable", "divide", "out_of_bounds", "null_call"].map((hook) => ({
    name: `a trap: ${hook}`,
    wasm: byHand(`
      (func (export "unreachable") (result i32) (call $log_info (call $hello)) unreachable)
      (func (export "divide") (result i32) (i32.div_u (i32.const 1) (i32.const 0)))
      (func (export "out_of_bounds") (result i32) (i32.load (i32.const 65536)))
      (func (export "null_call") (result i32) (call_indirect (result i32) (i32.const 0)))
      (table 1 funcref)`),
    calls: [[hook, ""] as const],
  })),
  {
    name: "config: a key that is there, one that is not, values beyond ASCII",
    config: { key: "the value", hello: "größer ✓", value: "" },
    wasm: byHand(`
      (func (export "key") (result i32) (call $answer (call $config_get (call $key))) ${ok})
      (func (export "hello") (result i32) (call $answer (call $config_get (call $hello))) ${ok})
      (func (export "missing") (result i32) (call $answer_number (call $config_get (call $other))) ${ok})`),
    calls: [
      ["key", ""],
      ["hello", ""],
      ["missing", ""],
    ],
  },
  {
    name: "variables: set, get, replace, delete, kept between calls",
    wasm: byHand(`
      (func (export "set") (result i32) (call $var_set (call $key) (call $value)) ${ok})
      (func (export "set_input") (result i32) (local $b i64) (local $i i64)
        (local.set $b (call $alloc (call $input_length)))
        (block $done (loop $next
          (br_if $done (i64.ge_u (local.get $i) (call $input_length)))
          (call $store_u8 (i64.add (local.get $b) (local.get $i)) (call $input_load_u8 (local.get $i)))
          (local.set $i (i64.add (local.get $i) (i64.const 1)))
          (br $next)))
        (call $var_set (call $key) (local.get $b)) ${ok})
      (func (export "get") (result i32) (call $answer (call $var_get (call $key))) ${ok})
      (func (export "missing") (result i32) (call $answer_number (call $var_get (call $other))) ${ok})
      (func (export "delete") (result i32) (call $var_set (call $key) (i64.const 0)) ${ok})
      (func (export "is_there") (result i32)
        (call $answer_number (i64.extend_i32_u (i64.ne (call $var_get (call $key)) (i64.const 0)))) ${ok})`),
    calls: [
      ["missing", ""],
      ["is_there", ""],
      ["set", ""],
      ["get", ""],
      ["set_input", "from the input"],
      ["get", ""],
      ["is_there", ""],
      ["delete", ""],
      ["is_there", ""],
    ],
  },
  {
    name: "log lines of every level that the SDK has",
    wasm: byHand(`
      (func (export "run") (result i32)
        (call $log_debug (call $hello)) (call $log_info (call $key)) (call $log_warn (call $value))
        (call $log_error (call $other)) ${ok})
      (func (export "before_error") (result i32)
        (call $log_info (call $hello)) (call $error_set (call $value)) (i32.const 1))`),
    calls: [
      ["run", ""],
      ["before_error", ""],
    ],
  },
];
