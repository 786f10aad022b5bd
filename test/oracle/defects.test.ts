import assert from "node:assert/strict";
import { test } from "node:test";
import { createPlugin } from "@extism/extism";
import { assembleWat } from "#test/sandbox/fixture.ts";
import { compileAssemblyScript } from "./assembly-script.ts";
import { byHand } from "./modules.ts";
import { type OracleModule, type Outcome, runHere, runStock } from "./outcome.ts";

/**
 * Where the stock SDK (1.0.3) and the sandbox differ on purpose. What the sandbox does is what native Extism does; the
 * test of the stock side fails when a new release of the SDK behaves, and then the line here goes.
 */
type Defect = OracleModule & {
  readonly name: string;
  readonly hook?: string;
  readonly stock: Partial<Outcome>;
  readonly here: Partial<Outcome>;
};

const ok = "(i32.const 0)";
const run = (body: string) =>
  byHand(`(func (export "run") (result i32) (local $b i64) (local $i i32) ${body})`);
const zero = "\0".repeat(8);

const defects: readonly Defect[] = [
  {
    name: "output_set puts out the whole block, whatever part of it was named",
    wasm: run(`(call $output_set (i64.add (call $hello) (i64.const 1)) (i64.const 2)) ${ok}`),
    stock: { output: "hello" },
    here: { output: "el" },
  },
  {
    name: "output_set cannot name more than one block",
    wasm: run(
      `(local.set $b (call $hello)) (drop (call $value)) (call $output_set (local.get $b) (i64.const 6)) ${ok}`,
    ),
    stock: { failure: "host: length longer than target block" },
    here: { output: "hello\0" },
  },
  {
    name: "a return code other than 0 is no failure",
    wasm: run("(call $answer (call $hello)) (i32.const 7)"),
    stock: { output: "hello" },
    here: { failure: "error: returned 7 without an error" },
  },
  {
    name: "error_set(0) sets an error instead of clearing it",
    wasm: run(
      `(call $error_set (call $hello)) (call $error_set (i64.const 0)) (call $answer (call $value)) ${ok}`,
    ),
    stock: { failure: "error: \0" },
    here: { output: "value" },
  },
  {
    name: "offset 0 is a block",
    wasm: run(`(call $answer_number (call $length (i64.const 0))) ${ok}`),
    stock: { output: `\x01${zero.slice(1)}` },
    here: { output: zero },
  },
  {
    name: "an offset that is no block throws out of output_set",
    wasm: run(`(call $output_set (i64.const 0x7fff000000000000) (i64.const 1)) ${ok}`),
    stock: { failure: "host: cannot assign to this block (addr=7fff000000000000; length=1)" },
    here: { output: "" },
  },
  {
    name: "a load behind a block throws instead of answering 0",
    wasm: run(
      `(call $answer_number (call $load_u64 (i64.add (call $alloc (i64.const 8)) (i64.const 0x1000000)))) ${ok}`,
    ),
    stock: { failure: "host: Offset is outside the bounds of the DataView" },
    here: { output: zero },
  },
  {
    name: "a load behind the input throws instead of answering 0",
    wasm: run(`(call $answer_number (call $input_load_u64 (i64.const 1))) ${ok}`),
    stock: { failure: "host: Offset is outside the bounds of the DataView" },
    here: { output: zero },
  },
  {
    name: "a key of the config is looked up on Object.prototype",
    wasm: byHand(`(data (i32.const 100) "constructor")
      (func (export "run") (result i32)
        (call $answer_number (call $config_get (call $block (i32.const 100) (i32.const 11)))) ${ok})`),
    stock: { failure: "host: Cannot convert function Object() { [native code] } to a BigInt" },
    here: { output: zero },
  },
  {
    name: "a variable is the block it was set from, not a copy",
    wasm: run(`(local.set $b (call $value)) (call $var_set (call $key) (local.get $b))
      (call $store_u8 (local.get $b) (i32.const 0x56)) (call $answer (call $var_get (call $key))) ${ok}`),
    stock: { output: "Value" },
    here: { output: "value" },
  },
  {
    name: "the 32,768th block cannot be used",
    wasm: run(`(loop $next (local.set $b (call $alloc (i64.const 8)))
        (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 33000))))
      (call $store_u64 (local.get $b) (i64.const 0x21)) (call $answer (local.get $b)) ${ok}`),
    stock: { failure: "host: cannot assign to this block (addr=-7f17000000000000; length=0)" },
    here: { output: `!${zero.slice(1)}` },
  },
  {
    name: "a call of http where there is none: the line in the log is another",
    wasm: run(`(call $answer_number (call $http_request (call $hello) (i64.const 0))) ${ok}`),
    stock: { output: zero, log: ["error http_request is not enabled"] },
    here: { output: zero, log: ["error http_request: the binding has no grant for http"] },
  },
  {
    name: "_initialize does not run without WASI",
    hook: "words",
    wasm: await compileAssemblyScript([]),
    stock: { failure: "trap: unreachable" },
    here: { output: "input=1;" },
  },
];

for (const { name, hook = "run", stock, here, ...module } of defects) {
  const nothing: Outcome = { output: "", failure: null, log: [] };
  test(`the stock SDK, unlike the sandbox: ${name}`, async () => {
    const calls = [[hook, "input"]] as const;
    assert.deepEqual(await runStock(module, calls), [{ ...nothing, ...stock }]);
    assert.deepEqual(await runHere(module, calls), [{ ...nothing, ...here }]);
  });
}

test("the stock SDK, unlike the sandbox: functions that current PDKs import do not exist", async () => {
  const wasm = assembleWat(`(module
    (import "extism:host/env" "get_log_level" (func (result i32)))
    (import "extism:host/env" "http_headers" (func (result i64)))
    (func (export "run") (result i32) ${ok}))`);
  await assert.rejects(runStock({ wasm }, [["run", ""]]), WebAssembly.LinkError);
  assert.deepEqual(await runHere({ wasm }, [["run", ""]]), [{ output: "", failure: null, log: [] }]);
});

test("the stock SDK, unlike the sandbox: after a reset a variable is a block of another call", async () => {
  const wasm = byHand(`
    (func (export "set") (result i32) (call $var_set (call $key) (call $value)) ${ok})
    (func (export "get") (result i32) (drop (call $hello)) (call $answer (call $var_get (call $key))) ${ok})`);
  const plugin = await createPlugin({ wasm: [{ data: wasm }] });
  await plugin.call("set");
  await plugin.reset();
  assert.equal((await plugin.call("get", "a secret of another"))?.string(), "hello");
  await plugin.close();
  const [, second] = await runHere({ wasm }, [
    ["set", ""],
    ["get", "a secret of another"],
  ]);
  assert.equal(second?.output, "value");
});
