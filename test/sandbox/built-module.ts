import { moduleLimits } from "#host/limits.ts";
import { standardImports } from "#host/sandbox/link.ts";
import { type PreparedModule, prepare } from "#host/sandbox/prepare.ts";
import { assemble, type Instruction } from "#host/sandbox/wasm/emit.ts";
import { encodeModule } from "#host/sandbox/wasm/encode.ts";
import type { FuncType, FunctionBody, WasmModule } from "#host/sandbox/wasm/module.ts";
import { i32 } from "#host/sandbox/wasm/value-types.ts";

/** Modules too large or too wrong for the text format, made member by member. */
export type BuiltModule = Partial<WasmModule>;

const hook: FuncType = { params: [], results: [i32] };

/** By default: one function of type () -> i32, exported as `run`, that answers 0. */
export function buildModule(members: BuiltModule = {}): Uint8Array {
  return encodeModule({
    types: [hook],
    imports: [],
    functions: [0],
    tables: [],
    memories: [],
    globals: [],
    exports: [{ name: "run", kind: "func", index: 0 }],
    start: null,
    elements: [],
    dataCount: null,
    code: [answering()],
    data: [],
    customs: [],
    ...members,
  });
}

/** The body of `run` with these instructions before `i32.const 0`; `locals` are i32. */
export function answering(instructions: readonly Instruction[] = [], locals = 0): FunctionBody {
  return bytesBody(assemble(instructions), locals);
}

/** As `answering`, for code too long to be written as instructions. */
export function bytesBody(code: Uint8Array, locals = 0): FunctionBody {
  const body = new Uint8Array(code.length + 3);
  body.set(code);
  body.set([0x41, 0x00, 0x0b], code.length);
  return { locals: locals === 0 ? [] : [{ count: locals, type: i32 }], body };
}

/** The bytes of `instructions`, so many times. */
export function repeated(count: number, instructions: readonly Instruction[]): Uint8Array {
  const once = assemble(instructions);
  const all = new Uint8Array(once.length * count);
  for (let index = 0; index < count; index++) all.set(once, index * once.length);
  return all;
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** `count` different function types. */
export function distinctTypes(count: number): FuncType[] {
  return Array.from({ length: count }, (_, index) => ({
    params: Array.from({ length: 14 }, (_, bit) => ((index >> bit) & 1 ? 0x7e : 0x7f)),
    results: [],
  }));
}

/** As the gateway prepares it; `imports` are those that capabilities provide. */
export function prepareBytes(bytes: Uint8Array, imports: readonly string[] = []): Promise<PreparedModule> {
  return prepare(bytes, {
    memoryPages: moduleLimits.memoryPages,
    imports: new Set([...standardImports, ...imports]),
  });
}
