import { moduleLimits } from "#host/limits.ts";
import { createFunctionGate, meteredCaps, originalCaps, requireLimit } from "./admit-function.ts";
import { mapInTurns } from "./in-turns.ts";
import { reservedPrefix } from "./meter.ts";
import { Rejected, requireWithin, shown } from "./rejected.ts";
import { type Counted, decodeModule } from "./wasm/decode.ts";
import { MalformedWasm } from "./wasm/malformed.ts";
import type { Import, WasmModule } from "./wasm/module.ts";

/** What exists for a module to import, as `namespace.name`; `any` only reads a module, without running it. */
export type AdmissionPolicy = {
  /** Default: `moduleLimits.moduleBytes`. */
  readonly moduleBytes?: number;
  readonly memoryPages: number;
  readonly imports: ReadonlySet<string> | "any";
};

/**
 * Decodes a module and says whether it may exist here: no feature outside the allow-list, no structure that
 * would cost V8 or the host more than its size does, no import that does not exist. It is not validated yet,
 * because V8's validator is among what the caps protect. Linear in the size, in turns. Throws Rejected.
 */
export async function admitModule(bytes: Uint8Array, policy: AdmissionPolicy): Promise<WasmModule> {
  const { moduleBytes = moduleLimits.moduleBytes } = policy;
  requireWithin({ name: "moduleBytes", max: moduleBytes, value: bytes.length }, "module size in bytes");
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
  requireLimit("meteredModuleBytes", bytes.length, "module size in bytes, with metering");
  await mapInTurns(module.code, createFunctionGate(module, meteredCaps));
}

const countLimits: Record<Counted, keyof typeof moduleLimits> = {
  types: "types",
  typeValues: "typeValues",
  imports: "imports",
  functions: "functions",
  tables: "tables",
  memories: "memories",
  globals: "globals",
  exports: "exports",
  localRuns: "localRuns",
  elements: "elementSegments",
  elementItems: "elementItems",
  data: "dataSegments",
  customs: "customSections",
};

function requireCount(what: Counted, value: number): void {
  requireLimit(countLimits[what], value, what);
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
  const chars = exports.reduce((sum, { name }) => sum + name.length, 0);
  requireLimit("exportNameChars", chars, "export names, characters");
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
    requireLimit("typeParameters", params.length, `type ${index}, parameters`);
    requireLimit("typeResults", results.length, `type ${index}, results`);
  }
}

function admitMemory({ memories, tables }: WasmModule, pages: number): void {
  for (const { min } of memories) {
    requireWithin({ name: "memoryPages", max: pages, value: min }, "memory pages at start");
  }
  const elements = tables.reduce((sum, { limits }) => sum + limits.min, 0);
  requireLimit("tableElements", elements, "table elements at start");
}
