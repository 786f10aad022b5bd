import { moduleLimits } from "#host/limits.ts";
import { mapInTurns } from "./in-turns.ts";
import { createBodyMeter, type MeteredBody, type Signature } from "./meter-body.ts";
import { branchHints, type UnlikelyBranches } from "./meter-hints.ts";
import { createFuelCodes } from "./meter-instructions.ts";
import { type Injected, type Layout, layOut } from "./meter-layout.ts";
import { entry, injectedFunctions, sliceType } from "./meter-runtime.ts";
import { createTypes, type Types } from "./meter-types.ts";
import { chunkBytes } from "./meter-writes.ts";
import { assemble } from "./wasm/emit.ts";
import type { Export, FuncType, FunctionBody, Global, Limits, TableType, WasmModule } from "./wasm/module.ts";
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
 * `sandgate:fuel` is below zero, and traps when the answer is not 0. The counter says how much is left whenever the
 * host can look: in an import, and after a call; after a trap other than `unreachable` the slice is spent whole.
 * Memory and tables cannot outgrow their limits; a refused memory.grow sets `sandgate:refused`. `start` becomes
 * the export `sandgate:start`, so that it runs under fuel like any call; memory and mutable globals are exported
 * for a reset. The module must be valid, and admitted: no reserved names, no imports but functions. Linear in its
 * size, in turns.
 */
export async function meterModule(
  module: WasmModule,
  policy: { readonly memoryPages: number },
): Promise<WasmModule> {
  const types = createTypes(module.types);
  const layout = await layOut(module);
  const maps: IndexMaps = { func: layout.reference };
  const bodies = await meterBodies(module, layout, types);
  const places = placeBodies(module, { layout, bodies, types });
  const hasMemory = module.memories.length > 0;
  const added = injectedFunctions(layout.injected, { ...policy, hasMemory });
  return {
    ...module,
    imports: [...module.imports, sliceImport(types)],
    functions: [
      ...places.own.map(({ type }) => type),
      ...added.map(({ type }) => types.indexOf(type)),
      ...places.detached.map(({ type }) => type),
    ],
    types: types.list,
    tables: boundTables(module.tables),
    memories: [
      ...module.memories.map((limits) => boundMemory(limits, policy.memoryPages)),
      ...(hasMemory ? [marksMemory] : []),
    ],
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
      ...addedExports(module, layout.injected, maps),
    ],
    start: null,
    elements: module.elements.map((one) => remapElement(one, maps)),
    code: [
      ...places.own.map(({ code }) => code),
      ...added.map(({ code }) => code),
      ...places.detached.map(({ code }) => code),
    ],
    data: module.data.map((one) => remapData(one, maps)),
    customs: [branchHints(checksOf(bodies, layout))],
  };
}

function meterBodies(module: WasmModule, layout: Layout, types: Types): Promise<MeteredBody[]> {
  const signatures = module.types.map(({ params, results }) => ({
    params: params.length,
    results: types.blockOf(results),
  }));
  const meterBody = createBodyMeter(layout, createFuelCodes(layout));
  return mapInTurns(module.code, (code, index) =>
    meterBody(code, signatures[module.functions[index] as number] as Signature),
  );
}

type Placed = { readonly type: number; readonly code: FunctionBody };

/** What stands in the places of the original functions, and the bodies that stand apart. */
function placeBodies(
  module: WasmModule,
  { layout, bodies, types }: { layout: Layout; bodies: readonly MeteredBody[]; types: Types },
): { readonly own: readonly Placed[]; readonly detached: readonly Placed[] } {
  const { route, imported, injected } = layout;
  const apart = new Set(layout.detached);
  const typeOf = (at: number) => module.functions[at] as number;
  const bodyOf = (at: number): Placed => ({
    type: route === "passed" ? types.passing(typeOf(at)) : typeOf(at),
    code: (bodies[at] as MeteredBody).code,
  });
  const entryOf = (at: number): Placed => ({
    type: typeOf(at),
    code: entry(module.types[typeOf(at)] as FuncType, layout.target(imported + at), injected),
  });
  return {
    own: module.functions.map((_, at) => (apart.has(imported + at) ? entryOf(at) : bodyOf(at))),
    detached: layout.detached.map((index) => bodyOf(index - imported)),
  };
}

function checksOf(bodies: readonly MeteredBody[], { imported, target }: Layout): UnlikelyBranches[] {
  return bodies.map(({ code, checks }, at) => ({ index: target(imported + at), code, offsets: checks }));
}

const marksPages = Math.ceil(moduleLimits.memoryPagesHard / chunkBytes);

const counter: Global = {
  type: { type: i32, mutable: true },
  init: assemble([["i32.const", 0], ["end"]]),
};

function sliceImport(types: Types): WasmModule["imports"][number] {
  return {
    module: `${reservedPrefix}meter`,
    name: "slice",
    desc: { kind: "func", type: types.indexOf(sliceType) },
  };
}

/** A byte for each chunk of the largest memory that there can be: one page. */
const marksMemory: Limits = { min: marksPages, max: marksPages };

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
  if (module.memories.length > 0) {
    added.push({ name: `${reservedPrefix}memory`, kind: "memory", index: 0 });
    added.push({ name: `${reservedPrefix}written`, kind: "memory", index: 1 });
  }
  if (module.start !== null) {
    added.push(remapExport({ name: `${reservedPrefix}start`, kind: "func", index: module.start }, maps));
  }
  return added;
}
