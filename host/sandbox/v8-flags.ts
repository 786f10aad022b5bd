import { setFlagsFromString } from "node:v8";
import { moduleLimits } from "#host/limits.ts";

/** The second line behind the host's own checks: what V8 refuses by itself, in the whole process. */
const flags: readonly string[] = [
  `--wasm-max-module-size=${moduleLimits.meteredModuleBytes}`,
  `--wasm-max-mem-pages=${moduleLimits.memoryPagesHard}`,
  `--wasm-max-table-size=${moduleLimits.tableElements}`,
  "--no-experimental-wasm-exnref",
  "--no-experimental-wasm-legacy-eh",
  // KiB. A hundred suspended stacks of a depth of 5,000 make each scavenge take 21 ms.
  "--wasm-stack-switching-stack-size=128",
];

/**
 * Tightens V8. Call it before the first module is compiled; later calls change nothing. V8 ignores a flag
 * that it does not know, so a test shows each at work.
 */
export function applyV8Flags(): void {
  for (const flag of flags) setFlagsFromString(flag);
}
