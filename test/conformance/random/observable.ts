import { decodeModule } from "#host/sandbox/wasm/decode.ts";
import { assemble, type Instruction } from "#host/sandbox/wasm/emit.ts";
import { encodeModule } from "#host/sandbox/wasm/encode.ts";
import type {
  Export,
  FuncType,
  FunctionBody,
  Global,
  ValType,
  WasmModule,
} from "#host/sandbox/wasm/module.ts";
import { remapBody, remapElement, remapExport } from "#host/sandbox/wasm/remap.ts";
import { typeOfFunction } from "#host/sandbox/wasm/signatures.ts";
import { externref, f32, f64, funcref, i32, i64, v128 } from "#host/sandbox/wasm/value-types.ts";

/** What is added to a module while its functions are. */
type Additions = { readonly types: FuncType[]; readonly functions: number[]; readonly code: FunctionBody[] };

/**
 * The module with everything that JavaScript can watch: memory, tables and globals are exported; a vector goes in
 * and out as two i64, by a function `wide:NAME` around an export and by one before an import; and an imported
 * global becomes one of its own, because no plugin can import one.
 */
export function makeObservable(bytes: Uint8Array): Uint8Array {
  const module = withoutImportedGlobals(decodeModule(bytes, () => {}));
  const added: Additions = { types: [...module.types], functions: [...module.functions], code: [] };
  const shown = narrowImports(module, added);
  const exports = [...shown.exports, ...stateExports(shown), ...wideExports(shown, added)];
  return encodeModule({ ...shown, ...added, exports, code: [...shown.code, ...added.code] });
}

/** The binary format counts imported globals before the others, so no index moves. */
function withoutImportedGlobals(module: WasmModule): WasmModule {
  const globals = module.imports.flatMap(({ desc }): Global[] =>
    desc.kind === "global" ? [{ type: desc.global, init: zeroOf(desc.global.type) }] : [],
  );
  return {
    ...module,
    imports: module.imports.filter(({ desc }) => desc.kind !== "global"),
    globals: [...globals, ...module.globals],
  };
}

function zeroOf(type: ValType): Uint8Array {
  const zeros = new Map<ValType, Instruction>([
    [i32, ["i32.const", 0]],
    [i64, ["i64.const", 0n]],
    [f32, ["f32.const", 0]],
    [f64, ["f64.const", 0]],
    [v128, ["v128.const", new Uint8Array(16)]],
    [funcref, ["ref.null", funcref]],
    [externref, ["ref.null", externref]],
  ]);
  return assemble([zeros.get(type) ?? ["unreachable"], ["end"]]);
}

function stateExports({ memories, tables, globals }: WasmModule): Export[] {
  return [
    ...memories.map((_, index): Export => ({ name: `memory:${index}`, kind: "memory", index })),
    ...tables.map((_, index): Export => ({ name: `table:${index}`, kind: "table", index })),
    ...globals.map((_, index): Export => ({ name: `global:${index}`, kind: "global", index })),
  ];
}

/** Calls of an import with vectors among its parameters go to a function that hands them on as pairs of i64. */
function narrowImports(module: WasmModule, added: Additions): WasmModule {
  const moved = new Map<number, number>();
  const imports = module.imports.map((one, index) => {
    if (one.desc.kind !== "func") return one;
    const type = module.types[one.desc.type] as FuncType;
    if (!type.params.includes(v128) || type.results.length > 0) return one;
    const code = assemble([...type.params.flatMap(halves), ["call", index], ["end"]]);
    moved.set(index, addFunction(module, added, { type, code: { locals: [], body: code } }));
    const narrow = { params: type.params.flatMap(asHalves), results: [] };
    return { ...one, desc: { kind: "func" as const, type: added.types.push(narrow) - 1 } };
  });
  const maps = { func: (index: number) => moved.get(index) ?? index };
  return {
    ...module,
    imports,
    globals: module.globals.map(({ type, init }) => ({ type, init: remapBody(init, maps) })),
    exports: module.exports.map((one) => remapExport(one, maps)),
    elements: module.elements.map((one) => remapElement(one, maps)),
    code: module.code.map(({ locals, body }) => ({ locals, body: remapBody(body, maps) })),
  };
}

/** For each export with a vector in its type, and each vector global, a function without one. */
function wideExports(module: WasmModule, added: Additions): Export[] {
  const functions = module.exports.flatMap(({ name, kind, index }): Export[] => {
    if (kind !== "func") return [];
    const { params, results } = typeOf(module, added, index);
    if (!params.includes(v128) && !results.includes(v128)) return [];
    const type = { params: params.flatMap(asHalves), results: results.flatMap(asHalves) };
    const body = assemble([
      ...whole(params),
      ["call", index],
      ...returned(results, type.params.length),
      ["end"],
    ]);
    const code = { locals: results.map((result) => ({ count: 1, type: result })), body };
    return [{ name: `wide:${name}`, kind, index: addFunction(module, added, { type, code }) }];
  });
  const globals = module.globals.flatMap(({ type }, index): Export[] => {
    if (type.type !== v128) return [];
    const lanes: Instruction[] = [0, 1].flatMap((lane) => [
      ["global.get", index] as const,
      ["i64x2.extract_lane", lane] as const,
    ]);
    const code = { locals: [], body: assemble([...lanes, ["end"]]) };
    const at = addFunction(module, added, { type: { params: [], results: [i64, i64] }, code });
    return [{ name: `wide:global:${index}`, kind: "func", index: at }];
  });
  return [...functions, ...globals];
}

function typeOf(module: WasmModule, added: Additions, index: number): FuncType {
  return typeOfFunction({ ...module, types: added.types, functions: added.functions }, index);
}

function addFunction(
  module: WasmModule,
  added: Additions,
  { type, code }: { readonly type: FuncType; readonly code: FunctionBody },
): number {
  added.functions.push(added.types.push(type) - 1);
  added.code.push(code);
  return module.imports.length + added.functions.length - 1;
}

const asHalves = (type: ValType): ValType[] => (type === v128 ? [i64, i64] : [type]);

/** The local with this index, a vector as its halves. */
function halves(type: ValType, index: number): Instruction[] {
  if (type !== v128) return [["local.get", index]];
  return [0, 1].flatMap((lane) => [["local.get", index] as const, ["i64x2.extract_lane", lane] as const]);
}

/** The parameters, each vector made of the two that stand for it. */
function whole(params: readonly ValType[]): Instruction[] {
  let next = 0;
  return params.flatMap((type): Instruction[] => {
    const first: Instruction = ["local.get", next++];
    if (type !== v128) return [first];
    return [first, ["i64x2.splat"], ["local.get", next++], ["i64x2.replace_lane", 1]];
  });
}

/** Takes results from the stack into the locals from `base` on, and gives them back with vectors as halves. */
function returned(results: readonly ValType[], base: number): Instruction[] {
  const sets = results.map((_, index): Instruction => ["local.set", base + index]);
  return [...sets.reverse(), ...results.flatMap((type, index) => halves(type, base + index))];
}
