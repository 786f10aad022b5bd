import type { GuestCall } from "./guest-call.ts";
import type { GuestFunction, GuestState } from "./guest-function.ts";
import { type LogLevel, logLevels } from "./log-lines.ts";
import { i32, i64 } from "./wasm/value-types.ts";

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
    run(call, state, key: bigint) {
      const value = state.config[call.readText(key)];
      return value === undefined ? 0n : call.write(value);
    },
  },
  var_get: {
    params: [i64],
    results: [i64],
    run(call, state, key: bigint) {
      const value = state.vars.get(call.readText(key));
      return value === null ? 0n : call.write(value);
    },
  },
  var_set: { params: [i64, i64], results: [], run: setVar },
  ...withoutGrant(),
};

function logFunction(level: LogLevel): GuestFunction {
  return {
    params: [i64],
    results: [],
    run(call, state, offset: bigint) {
      if (logLevels.indexOf(level) >= logLevels.indexOf(state.logLevel)) {
        call.lines.write(level, call.lines.hasRoom() ? call.readText(offset) : "");
      }
    },
  };
}

function setVar(call: GuestCall, state: GuestState, keyOffset: bigint, valueOffset: bigint): void {
  const key = call.readText(keyOffset);
  if (valueOffset === 0n) {
    state.vars.delete(key);
    return;
  }
  const refusal = state.vars.set(key, call.read(valueOffset));
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
