import { moduleLimits } from "#host/limits.ts";
import { admitFunction } from "./admit-function.ts";
import { reservedPrefix } from "./meter.ts";
import { Rejected, requireWithin } from "./rejected.ts";
import { type Counted, decodeModule } from "./wasm/decode.ts";
import { MalformedWasm } from "./wasm/malformed.ts";
import type { FuncType, Import, WasmModule } from "./wasm/module.ts";

/** What exists for a module to import, as `namespace.name`; `any` only reads a module, without running it. */
export type AdmissionPolicy = { readonly memoryPages: number; readonly imports: ReadonlySet<string> | "any" };

/**
 * Decodes a module and says whether it may exist here: no feature outside the allow-list, no structure that
 * would cost V8 or the host more than its size does, no import that does not exist. It is not validated yet,
 * because V8's validator is among what the caps protect. Throws Rejected.
 */
export function admitModule(bytes: Uint8Array, policy: AdmissionPolicy): WasmModule {
  requireWithin(
    { name: "moduleBytes", max: moduleLimits.moduleBytes, value: bytes.length },
    "module size in bytes",
  );
  return rejectingMalformed(() => {
    const module = decodeModule(bytes, requireCount);
    admitNames(module);
    admitImports(module.imports, policy.imports);
    admitMemory(module, policy.memoryPages);
    for (const [index, code] of module.code.entries()) {
      admitFunction(code, { index, params: paramsOf(module, index), maxBytes: moduleLimits.functionBytes });
    }
    return module;
  });
}

/** The caps that metering could break, on its result. Throws Rejected. */
export function admitMetered(module: WasmModule, bytes: Uint8Array): void {
  const limit = { name: "meteredModuleBytes", max: moduleLimits.meteredModuleBytes, value: bytes.length };
  requireWithin(limit, "module size in bytes, with metering");
  for (const [index, code] of module.code.entries()) {
    admitFunction(code, {
      index,
      params: paramsOf(module, index),
      maxBytes: moduleLimits.meteredFunctionBytes,
    });
  }
}

function rejectingMalformed<T>(work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof MalformedWasm) throw new Rejected(thrown.kind, thrown.message);
    throw thrown;
  }
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
    throw new Rejected("reserved", `the name ${JSON.stringify(reserved)} belongs to the host`);
  }
}

function admitImports(imports: readonly Import[], existing: ReadonlySet<string> | "any"): void {
  for (const { module, name, desc } of imports) {
    const full = `${module}.${name}`;
    if (desc.kind !== "func") {
      throw new Rejected("unsupported", `import ${full} is a ${desc.kind}; only functions can be imported`);
    }
    if (existing !== "any" && !existing.has(full))
      throw new Rejected("import", `import ${full} does not exist`);
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

function paramsOf({ types, functions }: WasmModule, index: number): FuncType["params"] {
  return types[functions[index] ?? -1]?.params ?? [];
}
