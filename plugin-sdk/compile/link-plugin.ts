import { assemble, type Instruction } from "../../host/sandbox/wasm/emit.ts";
import { encodeModule } from "../../host/sandbox/wasm/encode.ts";
import type {
  CustomSection,
  FuncType,
  FunctionBody,
  Import,
  WasmModule,
} from "../../host/sandbox/wasm/module.ts";
import { i32, i64 } from "../../host/sandbox/wasm/value-types.ts";
import { capabilityFunctions, type FunctionShape } from "../abi/host-functions.ts";
import { type Binding, bindImports, typeIndex } from "../engine/link-modules.ts";
import { functionNames } from "../runtime/function-names.ts";
import { segmentsOf } from "./snapshot.ts";
import { usedImports } from "./used-imports.ts";

export type LinkParts = {
  readonly memory: Uint8Array;
  /** Of the module, by index. */
  readonly exports: readonly string[];
  readonly used: { readonly operations: bigint; readonly functions: bigint };
  readonly customs: readonly CustomSection[];
};

const pageBytes = 65_536;

/** The finished module: the engine with a plugin's memory, exports and imports. */
export function linkPlugin(engine: WasmModule, { memory, exports, used, customs }: LinkParts): Uint8Array {
  const functions = functionNames.filter((_name, index) => (used.functions >> BigInt(index)) & 1n);
  const { env, wasi } = usedImports(used.operations, functions.length > 0);
  const isKept = ({ module, name }: Import) =>
    (module === "extism:host/env" && env.has(name)) || (module === "wasi" && wasi.has(name));
  const types = [...engine.types];
  const userImports = functions.map((name) => userImport(name, types));
  const firstUser = engine.imports.filter(isKept).length;
  const bound = bindImports(
    { ...engine, types },
    (one) => (isKept(one) ? undefined : standIn(one, typeOf(one, engine), userCall(functions, firstUser))),
    userImports,
  );
  return encodeModule({
    ...withExports(bound, exports),
    imports: bound.imports.map((one) =>
      one.module === "wasi" ? { ...one, module: "wasi_snapshot_preview1" } : one,
    ),
    memories: [{ min: memory.length / pageBytes, max: null }],
    data: segmentsOf(memory),
    dataCount: null,
    customs,
  });
}

const userType = ({ params, result }: FunctionShape): FuncType => ({
  params: params.map(() => i64),
  results: result === null ? [] : [i64],
});

function shapeOf(name: string): FunctionShape {
  const shapes: Readonly<Record<string, FunctionShape>> = Object.assign(
    {},
    ...Object.values(capabilityFunctions),
  );
  const shape = shapes[name];
  if (shape === undefined) throw new Error(`no capability has a function ${name}`);
  return shape;
}

function userImport(name: string, types: FuncType[]): Import {
  return {
    module: "extism:host/user",
    name,
    desc: { kind: "func", type: typeIndex(types, userType(shapeOf(name))) },
  };
}

/** `user_call(index, a, b, c, d)`: a comparison for each function that is imported. */
function userCall(functions: readonly string[], firstImport: number): Instruction[] {
  const code: Instruction[] = [];
  for (const [position, name] of functions.entries()) {
    const { params, result } = shapeOf(name);
    code.push(["local.get", 0], ["i32.const", functionNames.indexOf(name)], ["i32.eq"], ["if", null]);
    for (const [index] of params.entries()) code.push(["local.get", index + 1]);
    code.push(["call", firstImport + position]);
    if (result === null) code.push(["i64.const", 0n]);
    code.push(["return"], ["end"]);
  }
  return [...code, ["unreachable"], ["end"]];
}

const enosys = 52;

/** What an import that the plugin does not use becomes. Code that calls one of `extism:host/env` is never reached. */
function standIn({ module, name }: Import, type: FuncType, userCode: readonly Instruction[]): Binding {
  if (module === "wasi") return { type, code: body([["i32.const", enosys], ["end"]]) };
  if (module !== "slot") return { type, code: body([["unreachable"], ["end"]]) };
  switch (name) {
    case "user_call":
      return { type, code: body(userCode) };
    case "interrupt":
      return { type, code: body([["i32.const", 0], ["end"]]) };
    case "note":
      return { type, code: body([["end"]]) };
    default:
      throw new Error(`the engine has an unknown slot ${name}`);
  }
}

function body(instructions: readonly Instruction[]): FunctionBody {
  return { locals: [], body: assemble(instructions) };
}

function typeOf({ desc }: Import, { types }: WasmModule): FuncType {
  const type = desc.kind === "func" ? types[desc.type] : undefined;
  if (type === undefined) throw new Error("the engine imports something that is no function");
  return type;
}

/** Exports the memory and one `() -> i32` for each name, and nothing of the engine. */
function withExports(module: WasmModule, names: readonly string[]): WasmModule {
  const invoke = module.exports.find(({ name }) => name === "invoke")?.index ?? -1;
  const types = [...module.types];
  const type = typeIndex(types, { params: [], results: [i32] });
  const first = module.imports.length + module.functions.length;
  return {
    ...module,
    types,
    functions: [...module.functions, ...names.map(() => type)],
    code: [
      ...module.code,
      ...names.map((_name, index) => body([["i32.const", index], ["call", invoke], ["end"]])),
    ],
    exports: [
      { name: "memory", kind: "memory", index: 0 },
      ...names.map((name, index) => ({ name, kind: "func" as const, index: first + index })),
    ],
  };
}
