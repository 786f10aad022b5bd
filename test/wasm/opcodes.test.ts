import assert from "node:assert/strict";
import { test } from "node:test";
import { applyV8Flags } from "#host/sandbox/v8-flags.ts";
import { encodeModule } from "#host/sandbox/wasm/encode.ts";
import { nextInstruction, scanOf } from "#host/sandbox/wasm/instructions.ts";
import { MalformedWasm } from "#host/sandbox/wasm/malformed.ts";
import type { ValType, WasmModule } from "#host/sandbox/wasm/module.ts";
import { type ImmediateKind, type OpcodeName, opcodes } from "#host/sandbox/wasm/opcodes.ts";
import { stackEffects } from "#host/sandbox/wasm/stack-effects.ts";
import { externref, f32, f64, funcref, i32, i64, v128 } from "#host/sandbox/wasm/value-types.ts";
import { createWriter, writeU32, written } from "#host/sandbox/wasm/writer.ts";

applyV8Flags();

const types: readonly ValType[] = [i32, i64, f32, f64, v128, funcref, externref];
const end = 0x0b;

/** A module with one of everything that index 0 may mean, and one function with this body and a local of each type. */
function around(body: readonly number[]): Uint8Array {
  const module: WasmModule = {
    types: [{ params: [], results: [] }],
    imports: [],
    functions: [0],
    tables: [{ element: funcref, limits: { min: 1, max: null } }],
    memories: [{ min: 1, max: null }],
    globals: [{ type: { type: i32, mutable: true }, init: Uint8Array.of(0x41, 0, end) }],
    exports: [{ name: "f", kind: "func", index: 0 }],
    start: null,
    elements: [{ segment: { mode: "passive" }, type: funcref, items: { functions: [0] } }],
    dataCount: 1,
    code: [{ locals: types.map((type) => ({ count: 1, type })), body: Uint8Array.from(body) }],
    data: [{ segment: { mode: "passive" }, bytes: new Uint8Array(1) }],
    customs: [],
  };
  return encodeModule(module);
}

const guesses: readonly (readonly number[])[] = [
  ...Array.from({ length: 18 }, (_, count) => new Array<number>(count).fill(0)),
  [0x70],
  [0x6f],
  [0x63, 0x70],
  [1, 0x7f],
  [0x40, end],
  [0, end],
  [0x40, 0, end],
  [0, 0x40, 0, end],
];

test("every instruction that V8 has is read as V8 reads it, or refused by the name of its feature", () => {
  const unreachable = opcodes.unreachable[0];
  const known = new Set<number>(Object.values(opcodes).map(([code]) => code));
  let met = 0;
  for (let code = 0; code < 0x100 * 4; code++) {
    const prefix = [0xfc, 0xfd, 0xfe][(code >> 8) - 1];
    const opcode = prefix === undefined ? [code] : [prefix, ...u32(code & 0xff)];
    if (prefix === undefined && code >= 0xfb && code <= 0xfe) continue;
    for (const immediates of guesses) {
      const body = [unreachable, ...opcode, ...immediates, unreachable, end];
      if (!WebAssembly.validate(around(body))) continue;
      met++;
      try {
        const scan = scanOf(Uint8Array.from(body));
        while (nextInstruction(scan));
        assert.ok(known.has(code), `0x${code.toString(16)}`);
      } catch (thrown) {
        assert.ok(thrown instanceof MalformedWasm, `${opcode}: ${thrown}`);
        assert.equal(thrown.kind, "unsupported", `${opcode} ${immediates}: ${thrown.message}`);
      }
    }
  }
  assert.ok(met >= known.size);
});

for (const [what, opcode, reason] of [
  ["garbage collection", [0xfb, 0x1c], /garbage-collected types/],
  ["atomics", [0xfe, 0x10, 2, 0], /atomics/],
  ["relaxed SIMD", [0xfd, 0x80, 0x02], /relaxed SIMD/],
  ["typed calls", [0x14, 0], /typed references/],
  ["a null of a type index", [0xd0, 0], /typed references/],
  ["try_table", [0x1f, 0x40, 0, end], /exceptions/],
  ["throw", [0x08, 0], /exceptions/],
  ["try", [0x06, 0x40, end], /exceptions/],
  ["catch_all", [0x19], /exceptions/],
] as const) {
  test(`unsupported, by name: ${what}`, () => {
    const scan = scanOf(Uint8Array.from([...opcode, end]));
    const read = () => {
      while (nextInstruction(scan));
    };
    assert.throws(read, (thrown) => {
      assert.ok(thrown instanceof MalformedWasm);
      assert.equal(thrown.kind, "unsupported");
      assert.match(thrown.message, reason);
      return true;
    });
  });
}

const controls = /^(unreachable|nop|block|loop|if|else|end|br|br_if|br_table|return)$|call/;

test("each instruction takes and leaves as many operands as V8 says", () => {
  for (const [name, [code, ...kinds]] of entries()) {
    if (controls.test(name)) {
      assert.equal(stackEffects[code], 0, name);
      continue;
    }
    assert.equal(stackEffects[code], effectBy(code, kinds), name);
  }
});

function entries(): [OpcodeName, readonly [number, ...ImmediateKind[]]][] {
  return Object.entries(opcodes) as [OpcodeName, readonly [number, ...ImmediateKind[]]][];
}

/** By trying operands of every type: a body of type () -> () is valid only when it takes exactly what was pushed. */
function effectBy(code: number, kinds: readonly ImmediateKind[]): number {
  const opcode = code < 0x100 ? [code] : [code < 0x200 ? 0xfc : 0xfd, ...u32(code & 0xff)];
  const instruction = [...opcode, ...kinds.flatMap((kind) => bytesOfKind[kind] ?? [0])];
  for (let count = 0; count <= 3; count++) {
    for (const operands of combinations(count)) {
      for (let results = 0; results <= 1; results++) {
        const gets = operands.flatMap((type) => [opcodes["local.get"][0], type]);
        const drops = new Array<number>(results).fill(opcodes.drop[0]);
        if (WebAssembly.validate(around([...gets, ...instruction, ...drops, end]))) return results - count;
      }
    }
  }
  throw new Error(`no operands fit 0x${code.toString(16)}`);
}

/** Indices into `types`; the operand that varies fastest is the first. */
function* combinations(count: number): Generator<number[]> {
  for (let number = 0; number < types.length ** count; number++) {
    yield Array.from(
      { length: count },
      (_, place) => Math.floor(number / types.length ** place) % types.length,
    );
  }
}

const bytesOfKind: Partial<Record<ImmediateKind, readonly number[]>> = {
  memarg: [0, 0],
  f32: [0, 0, 0, 0],
  f64: new Array<number>(8).fill(0),
  bytes16: new Array<number>(16).fill(0),
  valTypes: [1, i32],
  refType: [funcref],
};

function u32(value: number): number[] {
  const out = createWriter();
  writeU32(out, value);
  return [...written(out)];
}
