import assert from "node:assert/strict";
import { test } from "node:test";
import { moduleLimits } from "#host/limits.ts";
import { prepareBytes } from "#host/sandbox/prepare.ts";
import { decodeModule } from "#host/sandbox/wasm/decode.ts";
import { opcodes } from "#host/sandbox/wasm/opcodes.ts";
import { readByte, readerOf, readU32 } from "#host/sandbox/wasm/reader.ts";
import { assembleText } from "#test/conformance/assemble.ts";

type Hint = { readonly index: number; readonly offset: number; readonly value: number };

function readHints(bytes: Uint8Array): Hint[] {
  const reader = readerOf(bytes);
  const hints: Hint[] = [];
  for (let functions = readU32(reader); functions > 0; functions--) {
    const index = readU32(reader);
    for (let count = readU32(reader); count > 0; count--) {
      const offset = readU32(reader);
      assert.equal(readByte(reader), 1, "a hint is one byte");
      hints.push({ index, offset, value: readByte(reader) });
    }
  }
  assert.equal(reader.at, reader.end);
  return hints;
}

test("V8 is told that each check hardly ever asks the host, by the place of its branch", async () => {
  const bytes = assembleText(`(module
    (import "extism:host/env" "input_length" (func (result i64)))
    (func $plain (param i32) (local i32 i64 i64) (loop (loop (br_if 0 (local.get 0)))))
    (func (export "run") (result i32) (local f64) (call $plain (i32.const 1)) (loop) (i32.const 0))
    ${"(func)".repeat(200)})`);
  const { wasm } = await prepareBytes(bytes, { memoryPages: moduleLimits.memoryPages, imports: "any" });
  const module = decodeModule(wasm);
  const hints = readHints(
    module.customs.find(({ name }) => name.includes("hint"))?.bytes ?? new Uint8Array(),
  );
  // Entry and two loops, entry and one loop, and the entries of the others.
  assert.equal(hints.length, 3 + 2 + 200);
  const order = hints.map(({ index }) => index);
  assert.deepEqual(
    order,
    order.toSorted((left, right) => left - right),
  );
  for (const { index, offset, value } of hints) {
    const code = module.code[index - module.imports.length];
    assert.ok(code);
    // The count of the runs, and two bytes for each: there are few locals.
    const inBody = offset - (1 + 2 * code.locals.length);
    assert.equal(code.body[inBody], opcodes.if[0]);
    assert.equal(code.body[inBody - 1], opcodes["i32.lt_s"][0]);
    assert.equal(value, 0, "unlikely");
  }
  // Behind the code section V8 would not read it.
  const at = Buffer.from(wasm).indexOf("metadata.code.branch_hint");
  assert.ok(at > 0 && at < Buffer.from(wasm).indexOf(module.code[0]?.body ?? ""));
});
