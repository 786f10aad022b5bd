import { moduleLimits } from "#host/limits.ts";
import { createFunctionGate, meteredCaps, originalCaps } from "./admit-function.ts";
import { mapInTurns } from "./in-turns.ts";
import { reservedPrefix } from "./meter.ts";
import { Rejected, requireWithin, shown } from "./rejected.ts";
import { type Counted, decodeModule } from "./wasm/decode.ts";
import { MalformedWasm } from "./wasm/malformed.ts";
import type { Import, WasmModule } from "./wasm/module.ts";

/** What exists for a module to import, as `namespace.name`; `any` only reads a module, without running it. */
export type AdmissionPolicy = { readonly memoryPages: number; readonly imports: ReadonlySet<string> | "any" };

/**
 * Decodes a module and says whether it may exist here: no feature outside the allow-list, no structure that
 * would cost V8 or the host more than its size does, no import that does not exist. It is not validated yet,
 * because V8's validator is among what the caps protect. Linear in the size, in turns. Throws Rejected.
 */
export async function admitModule(bytes: Uint8Array, policy: AdmissionPolicy): Promise<WasmModule> {
  requireWithin(
    { name: "moduleBytes", max: moduleLimits.moduleBytes, value: bytes.length },
    "module size in bytes",
  );
  try {
    const module = decodeModule(bytes, requireCount);
    admitNames(module);
    admitImports(module.imports, policy.imports);
    admitTypes(module);
    admitMemory(module, policy.memoryPages);
    await mapInTurns(module.code, createFunctionGate(module, originalCaps));
    return module;
  } catch (thrown) {
    if (thrown instanceof MalformedWasm) throw new Rejected(thrown.kind, thrown.message);
    throw thrown;
  }
}

/** The caps that metering could break, on its result. Throws Rejected. */
export async function admitMetered(module: WasmModule, bytes: Uint8Array): Promise<void> {
  const limit = { name: "meteredModuleBytes", max: moduleLimits.meteredModuleBytes, value: bytes.length };
  requireWithin(limit, "module size in bytes, with metering");
  await mapInTurns(module.code, createFunctionGate(module, meteredCaps));
}

const countLimits: Record<Counted, keyof typeof moduleLimits> = {
  types: "types",
  imports: "imports",
  functions: "functions",
  tables: "tables",
  memories: "memories",
  globals: "globals",
  exports: "exports",
  elements: "elementSegments",
  elementItems: "elementItems",
  data: "dataSegments",
  customs: "customSections",
};

function requireCount(what: Counted, value: number): void {
  const name = countLimits[what];
  requireWithin({ name, max: moduleLimits[name], value }, what);
}

function admitNames({ imports, exports }: WasmModule): void {
  const names = [
    ...imports.flatMap(({ module, name }) => [module, name]),
    ...exports.map(({ name }) => name),
  ];
  const reserved = names.find((name) => name.startsWith(reservedPrefix));
  if (reserved !== undefined) {
    throw new Rejected("reserved", `the name ${JSON.stringify(shown(reserved))} belongs to the host`);
  }
}

function admitImports(imports: readonly Import[], existing: ReadonlySet<string> | "any"): void {
  for (const { module, name, desc } of imports) {
    const what = `import ${shown(module)}.${shown(name)}`;
    if (desc.kind !== "func") {
      throw new Rejected("unsupported", `${what} is a ${desc.kind}; only functions can be imported`);
    }
    if (existing !== "any" && !existing.has(`${module}.${name}`))
      throw new Rejected("import", `${what} does not exist`);
  }
}

function admitTypes({ types }: WasmModule): void {
  for (const [index, { params, results }] of types.entries()) {
    const value = Math.max(params.length, results.length);
    requireWithin(
      { name: "typeValues", max: moduleLimits.typeValues, value },
      `type ${index}, parameters or results`,
    );
  }
}

function admitMemory({ memories, tables }: WasmModule, pages: number): void {
  for (const { min } of memories) {
    requireWithin({ name: "memoryPages", max: pages, value: min }, "memory pages at start");
  }
  const elements = tables.reduce((sum, { limits }) => sum + limits.min, 0);
  const limit = { name: "tableElements", max: moduleLimits.tableElements, value: elements };
  requireWithin(limit, "table elements at start");
}
