import type { FuncType, FunctionBody, Import, WasmModule } from "../../host/sandbox/wasm/module.ts";
import {
  type IndexMaps,
  remapBody,
  remapData,
  remapElement,
  remapExport,
} from "../../host/sandbox/wasm/remap.ts";

/** What stands in for an import: a function that the module has, by its index, or a new one. */
export type Binding =
  | { readonly function: number }
  | { readonly type: FuncType; readonly code: FunctionBody };

/**
 * Two modules as one: first the members of `main`, then those of `added`, which imports its memory and gets
 * that of `main`. Function imports stay; names of exports may not clash.
 */
export function joinModules(main: WasmModule, added: WasmModule): WasmModule {
  const types = [...main.types];
  const typeMap = added.types.map((type) => typeIndex(types, type));
  const addedImports = functionImports(added);
  const mainImports = functionImports(main);
  const type = (index: number) => typeMap[index] ?? -1;
  const mainFunc = (index: number) => (index < mainImports.length ? index : index + addedImports.length);
  const addedFunc = (index: number) =>
    index < addedImports.length
      ? mainImports.length + index
      : mainImports.length + main.functions.length + index;
  const mainMaps: IndexMaps = { func: mainFunc };
  const addedMaps: IndexMaps = {
    type,
    func: addedFunc,
    global: (index) => index + main.globals.length,
    table: (index) => index + main.tables.length,
  };
  return {
    types,
    imports: [...mainImports, ...addedImports.map((one) => retyped(one, type))],
    functions: [...main.functions, ...added.functions.map(type)],
    tables: [...main.tables, ...added.tables],
    memories: main.memories,
    globals: [
      ...main.globals.map((one) => ({ ...one, init: remapBody(one.init, mainMaps) })),
      ...added.globals.map((one) => ({ ...one, init: remapBody(one.init, addedMaps) })),
    ],
    exports: [
      ...main.exports.map((one) => remapExport(one, mainMaps)),
      ...added.exports.filter(({ kind }) => kind !== "memory").map((one) => remapExport(one, addedMaps)),
    ],
    start: null,
    elements: [
      ...main.elements.map((one) => remapElement(one, mainMaps)),
      ...added.elements.map((one) => remapElement(one, addedMaps)),
    ],
    dataCount: null,
    code: [
      ...main.code.map((one) => remapCode(one, mainMaps)),
      ...added.code.map((one) => remapCode(one, addedMaps)),
    ],
    data: [
      ...main.data.map((one) => remapData(one, mainMaps)),
      ...added.data.map((one) => remapData(one, addedMaps)),
    ],
    customs: [],
  };
}

/**
 * The module without the imports that `bind` answers for; the others stay in their order. New functions come
 * behind those that the module has. Every import must be a function. `more` are imports to add behind those that
 * stay, so that the code of a binding can call them.
 */
export function bindImports(
  module: WasmModule,
  bind: (wanted: Import) => Binding | undefined,
  more: readonly Import[] = [],
): WasmModule {
  const bindings = module.imports.map(bind);
  const kept = module.imports.filter((_one, index) => bindings[index] === undefined);
  const types = [...module.types];
  const functions = [...module.functions];
  const code: FunctionBody[] = [];
  const moved = layOut(module, bindings, kept.length + more.length);
  const maps: IndexMaps = { func: moved };
  for (const one of module.code) code.push(remapCode(one, maps));
  for (const binding of bindings) {
    if (binding === undefined || "function" in binding) continue;
    functions.push(typeIndex(types, binding.type));
    code.push(binding.code);
  }
  return {
    ...module,
    types,
    imports: [...kept, ...more],
    functions,
    globals: module.globals.map((one) => ({ ...one, init: remapBody(one.init, maps) })),
    exports: module.exports.map((one) => remapExport(one, maps)),
    elements: module.elements.map((one) => remapElement(one, maps)),
    code,
  };
}

/** Where each function goes when the bound imports are gone. */
function layOut(
  { imports, functions }: WasmModule,
  bindings: readonly (Binding | undefined)[],
  imported: number,
): (index: number) => number {
  const moved: number[] = [];
  let nextKept = 0;
  let nextNew = imported + functions.length;
  const place = (binding: Binding | undefined) => {
    if (binding === undefined) return nextKept++;
    return "function" in binding ? binding.function - imports.length + imported : nextNew++;
  };
  for (const binding of bindings) moved.push(place(binding));
  return (index) => moved[index] ?? index - imports.length + imported;
}

/** The index of a type equal to `type`, which is appended when there is none. */
export function typeIndex(types: FuncType[], type: FuncType): number {
  const found = types.findIndex(
    ({ params, results }) => isSame(params, type.params) && isSame(results, type.results),
  );
  return found >= 0 ? found : types.push(type) - 1;
}

function isSame(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((value, index) => value === right[index]);
}

function functionImports({ imports }: WasmModule): readonly Import[] {
  return imports.filter(({ desc }) => desc.kind === "func");
}

function retyped(one: Import, type: (index: number) => number): Import {
  return one.desc.kind === "func" ? { ...one, desc: { kind: "func", type: type(one.desc.type) } } : one;
}

function remapCode({ locals, body }: FunctionBody, maps: IndexMaps): FunctionBody {
  return { locals, body: remapBody(body, maps) };
}
