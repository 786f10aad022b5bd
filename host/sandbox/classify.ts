import { callLimits } from "#host/limits.ts";
import type { Ending } from "./guest-call.ts";
import type { Kernel } from "./kernel.ts";
import type { CallResult } from "./outcome.ts";
import type { PreparedModule } from "./prepare.ts";
import { i32 } from "./wasm/value-types.ts";

/** How a call ended, before fuel and time are written beside it. */
export type Ended = Ending | { readonly outcome: "ok"; readonly error: null };

const utf8 = new TextDecoder();

/** Of a call that returned: `code` is the export's result, undefined for an export without one. */
export function returned(code: unknown, kernel: Kernel, growthRefused: boolean): Ended {
  const message = kernel.error(callLimits.errorBytes);
  if (message !== null || (typeof code === "number" && code !== 0)) {
    const error = message === null ? `returned ${code} without an error` : utf8.decode(message);
    return { outcome: growthRefused ? "memory" : "error", error };
  }
  if (kernel.outputLength() > callLimits.outputBytes) {
    return {
      outcome: "memory",
      error: `output of ${kernel.outputLength()} bytes; the limit is ${callLimits.outputBytes}`,
    };
  }
  return { outcome: "ok", error: null };
}

/** Of a call that threw: what V8 says, as the plugin's own trap. */
export function trapped(thrown: unknown, growthRefused: boolean): Ending {
  const text = messageOf(thrown);
  if (growthRefused) return { outcome: "memory", error: `${text}, after the memory limit refused to grow` };
  if (thrown instanceof RangeError) return { outcome: "trap", error: "call stack exhausted" };
  return { outcome: "trap", error: text };
}

/** Of a call that never ran. */
export function rejected(error: string, memoryPages = 0): CallResult {
  return { outcome: "rejected", output: new Uint8Array(0), error, fuelUsed: 0, durationUs: 0, memoryPages };
}

/** Why this call cannot be made; null when it can. */
export function refusal(prepared: PreparedModule, name: string, input: Uint8Array | string): string | null {
  const found = prepared.exports.find((candidate) => candidate.name === name);
  if (found === undefined) return `no export named ${JSON.stringify(name)}`;
  if (found.params === undefined || found.results === undefined) return `export ${name} is no function`;
  const [result] = found.results;
  if (found.params.length > 0 || found.results.length > 1 || (result !== undefined && result !== i32)) {
    return `export ${name} is not of type () -> i32 or () -> ()`;
  }
  const bytes = typeof input === "string" ? Buffer.byteLength(input) : input.length;
  return bytes > callLimits.inputBytes
    ? `input of ${bytes} bytes; the limit is ${callLimits.inputBytes}`
    : null;
}

export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
