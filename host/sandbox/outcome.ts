/** How a call into a plugin ended. CLI, logs and metrics use these words. */
export const outcomes = ["ok", "error", "trap", "fuel", "memory", "deadline", "rejected"] as const;
export type Outcome = (typeof outcomes)[number];

/**
 * The end of one call.
 * - `error`: the plugin set an error or returned non-zero;
 * - `trap`: it executed a wasm trap;
 * - `fuel`, `memory`, `deadline`: it met that limit;
 * - `rejected`: it never ran.
 */
export type CallResult = {
  readonly outcome: Outcome;
  /** What `output_set` named, copied out; empty unless the outcome is `ok`. */
  readonly output: Uint8Array;
  /** What went wrong, for the operator; null when the outcome is `ok`. */
  readonly error: string | null;
  /** Only of a `rejected` call that may succeed later: nothing is wrong with it, there was no room. */
  readonly overloaded?: true;
  /** Units of the cost table: at least 1 per loop turn and per call, the same number every time. */
  readonly fuelUsed: number;
  readonly durationUs: number;
  /** Pages (64 KiB) of the plugin's own memory when the call ended. */
  readonly memoryPages: number;
};
