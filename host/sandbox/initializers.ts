import { haskellInitializer, preparedExportName, reservedPrefix } from "./meter.ts";
import type { FuncType, WasmModule } from "./wasm/module.ts";
import { typeOfFunction } from "./wasm/signatures.ts";

/**
 * The exports to call after instantiation, in order: `start`, then a language runtime's own. Native Extism's
 * order decides: with `hs_init` (Haskell) first `_initialize`, else `__wasm_call_ctors`, else `_initialize`.
 * Source: extism/extism runtime/src/plugin.rs, detect_guest_runtime.
 */
export function initializersOf(module: WasmModule): string[] {
  const start = module.start === null ? [] : [`${reservedPrefix}start`];
  return [...start, ...runtimeInitializers(module)];
}

function runtimeInitializers(module: WasmModule): string[] {
  const initialize = isProcedure(functionNamed(module, "_initialize")) ? ["_initialize"] : [];
  if (functionNamed(module, haskellInitializer) !== null) {
    return [...initialize, preparedExportName(haskellInitializer)];
  }
  const constructors = functionNamed(module, "__wasm_call_ctors");
  if (constructors === null) return initialize;
  return isProcedure(constructors) ? ["__wasm_call_ctors"] : [];
}

function functionNamed(module: WasmModule, name: string): FuncType | null {
  const found = module.exports.find((one) => one.name === name && one.kind === "func");
  return found === undefined ? null : typeOfFunction(module, found.index);
}

function isProcedure(type: FuncType | null): boolean {
  return type !== null && type.params.length === 0 && type.results.length === 0;
}
