import assert from "node:assert/strict";
import { test } from "node:test";
import { createPlugin, type ExtismPluginOptions } from "@extism/extism";
import { decodeModule } from "#host/sandbox/wasm/decode.ts";
import { textOf } from "#test/sandbox/fixture.ts";
import { compileSources, openSources, withBody } from "./source-plugin.ts";

// Memory and Host.getFunctions of the Extism JS PDK: blocks and raw host functions.

const inMemory = `
export function use() {
  const text = Memory.fromString("hé");
  const json = Memory.fromJsonObject({ a: [1] });
  const bytes = Memory.fromBuffer(new Uint8Array([1, 2, 3, 4]).subarray(1));
  const found = Memory.find(BigInt(json.offset));
  text.free();
  Host.outputString(JSON.stringify([
    text.len, Memory.find(text.offset).readString(), found.len, found.readJsonObject(), [...new Uint8Array(bytes.readBytes())],
    Memory.allocUInt32(4278255361).readUInt32(), String(Memory.allocUInt64(18446744073709551615n).readUInt64()),
    Memory.allocFloat32(0.5).readFloat32(), Memory.allocFloat64(0.1).readUFloat64(), Memory.allocUInt32(1).len,
    new MemoryHandle(BigInt(bytes.offset), 3n).readBytes().byteLength, found instanceof MemoryHandle,
  ]));
}
export function empty() {
  const { offset, len } = Memory.fromString("");
  Host.outputString(JSON.stringify([offset, len, Memory.find(0).readString(), Memory.find(0).readBytes().byteLength]));
}
export function short() { Memory.fromString("abc").readUInt32(); }`;
const used = [3, "hé", 9, { a: [1] }, [2, 3, 4], 4278255361, "18446744073709551615", 0.5, 0.1, 4, 3, true];

test("Memory makes and reads blocks", async (t) => {
  const plugin = await openSources(t, inMemory);
  assert.deepEqual(JSON.parse(textOf(await plugin.call("use"))), used);
  assert.deepEqual(JSON.parse(textOf(await plugin.call("empty"))), [0, 0, "", 0]);
  const { error } = await plugin.call("short");
  assert.match(String(error), /^RangeError: Memory: the block has 3 bytes, and 4 are to be read\n/);
});

test("Memory does the same in the stock Extism SDK", async (t) => {
  const { wasm } = await compileSources(t, inMemory);
  // Modules of the SDK may write traces, and the stock SDK has no function for them.
  const options = { functions: { "extism:host/env": { log_trace: () => {} } } };
  const plugin = await createPlugin(
    { wasm: [{ data: new Uint8Array(wasm) }] },
    options as unknown as ExtismPluginOptions,
  );
  t.after(() => plugin.close());
  assert.deepEqual(JSON.parse((await plugin.call("use"))?.text() ?? ""), used);
  // Its kernel has a block for nothing too.
  assert.deepEqual(JSON.parse((await plugin.call("empty"))?.text() ?? "").slice(1), [0, "", 0]);
});

const declaring = (source: string) =>
  source.replace("version:", 'capabilities: ["kv", "counters", "crypto"], version:');

test("Host.getFunctions has the functions of capabilities: offsets and numbers go in and come out", async (t) => {
  const plugin = await openSources(
    t,
    declaring(
      withBody(
        `const key = Memory.fromString("key");
         const before = kv_get(key.offset);
         kv_set(key.offset, Memory.fromString("välue").offset, 60_000n);
         const added = functions.counters_add(BigInt(key.offset), 5, 60_000);
         const hash = Memory.find(functions.crypto_hash(...["sha-256", "abc", "hex"].map((text) => Memory.fromString(text).offset)));
         return { type: "tag", name: "t", value: JSON.stringify([
           before, Memory.find(kv_get(key.offset)).readString(), added, functions.counters_get(key.offset), hash.readString().slice(0, 8),
         ]) };`,
        `const { kv_get, kv_set } = Host.getFunctions();
         const functions = Host.getFunctions();
         void [functions.counters_add, functions.counters_get, functions.crypto_hash];`,
      ),
    ),
    { grants: { kv: true, counters: true } },
  );
  assert.deepEqual(JSON.parse(await plugin.tag()), [0, "välue", 5, 5, "ba7816bf"]);
});

test("only what is read of Host.getFunctions is imported", async (t) => {
  const userFunctions = async (before: string) => {
    const { wasm } = await compileSources(t, `${before}\nexport function run() { Host.outputString("x"); }`);
    return decodeModule(wasm)
      .imports.filter(({ module }) => module === "extism:host/user")
      .map(({ name }) => name);
  };
  assert.deepEqual(await userFunctions("const functions = Host.getFunctions();"), []);
  assert.deepEqual(await userFunctions("const { kv_get, metrics_record } = Host.getFunctions();"), [
    "kv_get",
    "metrics_record",
  ]);
});

test("a function that the gateway does not have fails the build, one that is read too late fails the call", async (t) => {
  await assert.rejects(
    compileSources(t, "const { myHostFunction1 } = Host.getFunctions();\nexport function run() {}"),
    /plugin\.ts:1:\d+: TypeError: Host\.getFunctions: the gateway has no function myHostFunction1; it has cache_delete, /,
  );
  const plugin = await openSources(t, "export function run() { Host.getFunctions().kv_get(1); }");
  const { error } = await plugin.call("run");
  assert.match(String(error), /^TypeError: Host\.getFunctions: read kv_get at the top level of a file; /);
});
