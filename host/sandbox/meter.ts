import { moduleLimits } from "#host/limits.ts";
import { mapInTurns } from "./in-turns.ts";
import { createBodyMeter, meterBody } from "./meter-body.ts";
import { type Injected, injectedFunctions, sliceType } from "./meter-runtime.ts";
import { assemble } from "./wasm/emit.ts";
import type { Export, FuncType, Global, Limits, TableType, WasmModule } from "./wasm/module.ts";
import { type IndexMaps, remapBody, remapData, remapElement, remapExport } from "./wasm/remap.ts";
import { i32 } from "./wasm/value-types.ts";

/** Names that metering takes: no module may import or export one that starts so. */
export const reservedPrefix = "sandgate:";

/** The loader calls an export of this name by itself: outside of fuel and deadline, and unable to suspend. */
export const haskellInitializer = "hs_init";

/** The name under which the prepared module has an export of the original. */
export function preparedExportName(name: string): string {
  return name === haskellInitializer ? `${reservedPrefix}${name}` : name;
}

/** The export name of the mutable global with this index in the original module. */
export function globalExportName(index: number): string {
  return `${reservedPrefix}global:${index}`;
}

/**
 * The module with fuel: it imports `sandgate:meter`.`slice` () -> i32, calls it when the exported counter
 * `sandgate:fuel` is below zero, and traps when the answer is not 0. Memory and tables cannot outgrow their
 * limits; a refused memory.grow sets `sandgate:refused`. `start` becomes the export `sandgate:start`, so
 * that it runs under fuel like any call; memory and mutable globals are exported for a reset.
 * The module must be valid, and admitted: no reserved names, no imports but functions. Linear in its size, in turns.
 */
export async function meterModule(
  module: WasmModule,
  policy: { readonly memoryPages: number },
): Promise<WasmModule> {
  const imported = module.imports.length;
  const types = [...module.types];
  const injected = layOut(module);
  const maps: IndexMaps = { func: (index) => (index < imported ? index : index + 1) };
  const meter = createBodyMeter(injected, maps);
  const added = injectedFunctions(injected, policy.memoryPages);
  const code = await mapInTurns(module.code, (one) => meterBody(one, meter));
  return {
    ...module,
    imports: [...module.imports, sliceImport(types)],
    functions: [...module.functions, ...added.map(({ type }) => typeIndex(types, type))],
    types,
    tables: boundTables(module.tables),
    memories: module.memories.map((limits) => boundMemory(limits, policy.memoryPages)),
    globals: [
      ...module.globals.map(({ type, init }) => ({ type, init: remapBody(init, maps) })),
      counter,
      counter,
    ],
    exports: [
      ...module.exports.map((one) => ({
        ...remapExport(one, maps),
        name: preparedExportName(one.name),
      })),
      ...addedExports(module, injected, maps),
    ],
    start: null,
    elements: module.elements.map((one) => remapElement(one, maps)),
    code: [...code, ...added.map((one) => one.code)],
    data: module.data.map((one) => remapData(one, maps)),
    customs: [],
  };
}

function layOut(module: WasmModule): Injected {
  const slice = module.imports.length;
  const refill = slice + 1 + module.functions.length;
  return {
    fuel: module.globals.length,
    refused: module.globals.length + 1,
    slice,
    refill,
    chargeBytes: refill + 1,
    chargeElements: refill + 2,
    chargePages: refill + 3,
    noteGrowth: refill + 4,
  };
}

const counter: Global = {
  type: { type: i32, mutable: true },
  init: assemble([["i32.const", 0], ["end"]]),
};

function sliceImport(types: FuncType[]): WasmModule["imports"][number] {
  return {
    module: `${reservedPrefix}meter`,
    name: "slice",
    desc: { kind: "func", type: typeIndex(types, sliceType) },
  };
}

/** The index of a type equal to `type`, which is appended when there is none. */
function typeIndex(types: FuncType[], type: FuncType): number {
  const same = (a: readonly number[], b: readonly number[]) =>
    a.length === b.length && a.every((v, i) => v === b[i]);
  const found = types.findIndex(
    ({ params, results }) => same(params, type.params) && same(results, type.results),
  );
  return found >= 0 ? found : types.push(type) - 1;
}

function boundMemory({ min, max }: Limits, pages: number): Limits {
  return { min, max: Math.min(max ?? pages, pages) };
}

/** Each table may grow by its share of what the declared sizes leave of the cap. */
function boundTables(tables: readonly TableType[]): TableType[] {
  const declared = tables.reduce((sum, { limits }) => sum + limits.min, 0);
  const share = Math.floor((moduleLimits.tableElements - declared) / Math.max(1, tables.length));
  return tables.map(({ element, limits: { min, max } }) => ({
    element,
    limits: { min, max: Math.min(max ?? min + share, min + share) },
  }));
}

function addedExports(module: WasmModule, injected: Injected, maps: IndexMaps): Export[] {
  const added: Export[] = [
    { name: `${reservedPrefix}fuel`, kind: "global", index: injected.fuel },
    { name: `${reservedPrefix}refused`, kind: "global", index: injected.refused },
  ];
  for (const [index, { type }] of module.globals.entries()) {
    if (type.mutable) added.push({ name: globalExportName(index), kind: "global", index });
  }
  if (module.memories.length > 0) added.push({ name: `${reservedPrefix}memory`, kind: "memory", index: 0 });
  if (module.start !== null) {
    added.push(remapExport({ name: `${reservedPrefix}start`, kind: "func", index: module.start }, maps));
  }
  return added;
}
