import { isUtf8 } from "node:buffer";
import { callLimits } from "#host/limits.ts";
import type { GuestCall } from "./guest-call.ts";
import type { GuestFunction, GuestState } from "./guest-function.ts";
import { type LogLevel, logLevels } from "./log-lines.ts";
import { i32, i64 } from "./wasm/value-types.ts";

const { logBytes, varKeyBytes, varValueBytes } = callLimits;
/** No key of a config is longer. */
const configKeyBytes = 1_024;
const utf8 = new TextDecoder();

/**
 * The functions of `extism:host/env` that need the host, by name: logs, config and variables. The kernel has the rest.
 * Semantics: native Extism, `runtime/src/pdk.rs`; where that fails the call over an offset that is no
 * block, these see an empty one.
 */
export const envFunctions: Readonly<Record<string, GuestFunction>> = {
  ...Object.fromEntries(logLevels.map((level) => [`log_${level}`, logFunction(level)])),
  get_log_level: {
    params: [],
    results: [i32],
    run: (_call, state) => logLevels.indexOf(state.logLevel),
  },
  config_get: {
    params: [i64],
    results: [i64],
    run(call, state, offset: bigint) {
      const key = keyOf(call, offset, configKeyBytes);
      const value = key === null ? undefined : state.config[key];
      return value === undefined ? 0n : call.write(value);
    },
  },
  var_get: {
    params: [i64],
    results: [i64],
    run(call, state, offset: bigint) {
      const key = keyOf(call, offset, varKeyBytes);
      const value = key === null ? null : state.vars.get(key);
      return value === null ? 0n : call.write(value);
    },
  },
  var_set: { params: [i64, i64], results: [], run: setVar },
  ...withoutGrant(),
};

/**
 * The text at an offset, cut after one byte more than `limit`, so that what is too long is still seen to be:
 * blocks of any length are offered, and reading them whole would keep the event loop waiting.
 */
function textOf(call: GuestCall, offset: bigint, limit: number): string {
  return utf8.decode(call.readFirst(offset, limit + 1));
}

/** The key at an offset; null when it is no UTF-8, which takes 14 us to decode and is nobody's key. */
function keyOf(call: GuestCall, offset: bigint, limit: number): string | null {
  const bytes = call.readFirst(offset, limit + 1);
  return isUtf8(bytes) ? utf8.decode(bytes) : null;
}

function logFunction(level: LogLevel): GuestFunction {
  return {
    params: [i64],
    results: [],
    run(call, state, offset: bigint) {
      if (logLevels.indexOf(level) >= logLevels.indexOf(state.logLevel)) {
        call.lines.write(level, call.lines.hasRoom() ? textOf(call, offset, logBytes) : "");
      }
    },
  };
}

function setVar(call: GuestCall, state: GuestState, keyOffset: bigint, valueOffset: bigint): void {
  const key = keyOf(call, keyOffset, varKeyBytes);
  if (key === null) {
    call.end({ outcome: "error", error: "variables: a key that is not UTF-8" });
    return;
  }
  if (valueOffset === 0n) {
    state.vars.delete(key);
    return;
  }
  const refusal = state.vars.set(key, call.readFirst(valueOffset, varValueBytes + 1));
  if (refusal !== null && call.ending === null)
    call.end({ outcome: "memory", error: `variables: ${refusal}` });
}

/**
 * The http functions where the `http` capability is not granted. Modules of the official PDKs import them
 * whether they use them or not, so their absence would refuse plugins that never call out.
 */
function withoutGrant(): Readonly<Record<string, GuestFunction>> {
  return {
    http_request: {
      params: [i64, i64],
      results: [i64],
      run: (call) => call.lines.write("error", "http_request: the binding has no grant for http"),
    },
    http_status_code: { params: [], results: [i32], run: () => 0 },
    http_headers: { params: [], results: [i64], run: () => 0n },
  };
}
