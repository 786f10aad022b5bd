import {
  opBlockBytes,
  opBlockLength,
  opClock,
  opConfigGet,
  opHttpHeaders,
  opHttpRequest,
  opHttpStatus,
  opInputBytes,
  opInputJson,
  opInputText,
  opLog,
  opOutputBytes,
  opOutputJson,
  opOutputText,
  opRandomBytes,
  opRandomNumber,
  opVarGet,
  opVarSet,
} from "../engine/layout.ts";

const readsInput = ["input_length", "input_load_u8", "input_load_u64"];
const writesOutput = ["length", "output_set"];
const readsBlocks = ["length", "load_u8", "load_u64"];

/** What an operation imports from `extism:host/env`. */
const ofOperation: ReadonlyMap<number, readonly string[]> = new Map([
  [opInputText, readsInput],
  [opInputBytes, readsInput],
  [opInputJson, readsInput],
  [opOutputText, writesOutput],
  [opOutputBytes, writesOutput],
  [opOutputJson, writesOutput],
  [opLog, ["log_trace", "log_debug", "log_info", "log_warn", "log_error"]],
  [opConfigGet, [...readsBlocks, "config_get"]],
  [opVarGet, [...readsBlocks, "var_get"]],
  [opVarSet, ["var_set"]],
  [opHttpRequest, [...readsBlocks, "http_request"]],
  [opHttpStatus, ["http_status_code"]],
  [opHttpHeaders, [...readsBlocks, "http_headers"]],
  [opBlockBytes, readsBlocks],
  [opBlockLength, ["length"]],
]);

/** Errors are reported by every module, and promises that were rejected while nobody waited for them. */
const always = ["alloc", "store_u8", "store_u64", "error_set", "log_warn"];

export type UsedImports = {
  /** Names in `extism:host/env`. */
  readonly env: ReadonlySet<string>;
  /** Names in `wasi_snapshot_preview1`. */
  readonly wasi: ReadonlySet<string>;
};

/** What a module imports by the operations that its code has taken: bit n is operation n. */
export function usedImports(operations: bigint, takesFunctions: boolean): UsedImports {
  const isUsed = (operation: number) => (operations >> BigInt(operation)) & 1n;
  const env = new Set(takesFunctions ? [...always, ...readsBlocks] : always);
  for (const [operation, names] of ofOperation) {
    if (isUsed(operation)) for (const name of names) env.add(name);
  }
  const wasi = new Set<string>();
  if (isUsed(opClock)) wasi.add("clock_time_get");
  if (isUsed(opRandomBytes) || isUsed(opRandomNumber)) wasi.add("random_get");
  return { env, wasi };
}
