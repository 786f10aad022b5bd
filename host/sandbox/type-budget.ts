import { createHash } from "node:crypto";
import { processLimits } from "#host/limits.ts";
import { requireWithin } from "./rejected.ts";
import type { FuncType } from "./wasm/module.ts";

/**
 * The signatures that V8 has seen. V8 keeps one list for the whole process and never frees an entry, also
 * when it only validates a module and finds it wrong; so this list is of the process as well.
 */
const seen = new Set<string>();

/** Call it before V8 sees a module with these types. Throws Rejected when the process has no room for them. */
export function spendTypes(types: readonly FuncType[]): void {
  const fresh = new Set<string>();
  for (const type of types) {
    const key = signature(type);
    if (!seen.has(key)) fresh.add(key);
  }
  const value = seen.size + fresh.size;
  requireWithin({ name: "wasmTypes", max: processLimits.wasmTypes, value }, "function types of this process");
  for (const key of fresh) seen.add(key);
}

/** Long signatures are kept as a digest: a module may have thousands of them with 1,000 parameters each. */
function signature({ params, results }: FuncType): string {
  const text = String.fromCharCode(...params, 0, ...results);
  return text.length <= 32 ? text : createHash("sha256").update(text, "latin1").digest("latin1");
}
