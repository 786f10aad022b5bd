import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeModule } from "#host/sandbox/wasm/decode.ts";
import { encodeModule } from "#host/sandbox/wasm/encode.ts";
import { nextInstruction, scanOf } from "#host/sandbox/wasm/instructions.ts";
import type { WasmModule } from "#host/sandbox/wasm/module.ts";
import { opcodeNames } from "#host/sandbox/wasm/opcodes.ts";
import { type IndexMaps, remapBody, remapElement } from "#host/sandbox/wasm/remap.ts";
import { assembleWat } from "#test/sandbox/fixture.ts";
import { featureModule } from "./feature-module.ts";
import { realModules } from "./real-modules.ts";

const modules = [{ name: "the feature module", bytes: featureModule }, ...(await realModules())];

for (const { name, bytes } of modules) {
  test(`${name} (${bytes.length} bytes) is the same bytes after decoding and encoding`, () => {
    const module = decodeModule(bytes);
    const again = encodeModule(module);
    assert.equal(WebAssembly.validate(bytes), true);
    assert.equal(WebAssembly.validate(again), true);
    assert.deepEqual(sizes(decodeModule(again)), sizes(module));
    assert.ok(Buffer.from(again).equals(withCustomsLast(bytes)));
  });

  test(`every instruction of ${name} is scanned to exactly its end`, () => {
    for (const { body } of decodeModule(bytes).code) {
      const scan = scanOf(body);
      let end = 0;
      while (nextInstruction(scan)) {
        assert.equal(scan.start, end);
        assert.ok(opcodeNames[scan.code]);
        end = scan.end;
      }
      assert.equal(end, body.length);
    }
  });

  test(`mapping every index of ${name} to itself changes no byte`, () => {
    const same = (index: number) => index;
    const maps: IndexMaps = {
      type: same,
      func: same,
      table: same,
      memory: same,
      global: same,
      elem: same,
      data: same,
    };
    const module = decodeModule(bytes);
    for (const { body } of module.code) assert.ok(Buffer.from(remapBody(body, maps)).equals(body));
    for (const element of module.elements) assert.deepEqual(remapElement(element, maps), element);
  });
}

function sizes({ code, data, customs, ...rest }: WasmModule): unknown {
  return {
    ...rest,
    code: code.map(({ locals, body }) => [locals, body.length]),
    data: data.map(({ segment, bytes }) => [segment, bytes.length]),
    customs: customs.map(({ name, bytes }) => [name, bytes.length]),
  };
}

/** The sections as they are, custom ones behind the others. */
function withCustomsLast(bytes: Uint8Array): Buffer {
  const sections: { id: number; bytes: Uint8Array }[] = [];
  for (let at = 8; at < bytes.length; ) {
    const start = at++;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] as number;
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    at += length;
    sections.push({ id: bytes[start] as number, bytes: bytes.subarray(start, at) });
  }
  const standard = sections.filter(({ id }) => id !== 0);
  const custom = sections.filter(({ id }) => id === 0);
  return Buffer.concat([bytes.subarray(0, 8), ...[...standard, ...custom].map((one) => one.bytes)]);
}

test("all eight encodings of an element segment come back as they were", () => {
  const module = decodeModule(
    assembleWat(`(module (table $t 9 funcref) (table $u 9 funcref) (table $x 9 externref) (func $f)
      (elem (table $t) (i32.const 0) func $f)
      (elem func $f)
      (elem (table $u) (i32.const 1) func $f $f)
      (elem declare func $f)
      (elem (table $t) (i32.const 2) funcref (ref.func $f) (ref.null func))
      (elem funcref (ref.null func) (ref.func $f))
      (elem (table $x) (i32.const 3) externref (ref.null extern))
      (elem declare funcref (ref.func $f) (ref.null func)))`),
  );
  assert.deepEqual(
    module.elements.map(({ segment: { mode }, items }) => [mode, "functions" in items]),
    [
      ["active", true],
      ["passive", true],
      ["active", true],
      ["declared", true],
      ["active", false],
      ["passive", false],
      ["active", false],
      ["declared", false],
    ],
  );
  const again = encodeModule(module);
  assert.deepEqual(decodeModule(again), module);
  assert.equal(WebAssembly.validate(again), true);
});

test("a module behaves the same after a round trip", () => {
  const bytes =
    assembleWat(`(module (memory (export "memory") 1) (table 2 funcref) (elem (i32.const 0) $inc $twice)
    (global $n (mut i64) (i64.const -5000000000)) (data (i32.const 8) "\\2a")
    (func $inc (param i32) (result i32) (i32.add (local.get 0) (i32.load8_u (i32.const 8))))
    (func $twice (param i32) (result i32) (i32.mul (local.get 0) (i32.const -2)))
    (func (export "run") (param i32 i32) (result i64)
      (global.set $n (i64.add (global.get $n) (i64.extend_i32_s
        (call_indirect (param i32) (result i32) (local.get 1) (local.get 0)))))
      (global.get $n)))`);
  const results = [bytes, encodeModule(decodeModule(bytes))].map((wasm) => {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm));
    const { run } = exports as { run: (which: number, value: number) => bigint };
    return [run(0, 7), run(1, 7), run(0, -1)];
  });
  assert.deepEqual(results[0], results[1]);
});
