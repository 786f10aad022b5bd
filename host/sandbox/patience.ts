import { performance } from "node:perf_hooks";

/** What ends a wait: its time, and whoever asked for it. */
export type Patience = {
  /** `performance.now()`. */
  readonly untilMs: number;
  readonly signal: AbortSignal | undefined;
};

/** More would fire at once. */
const longestTimerMs = 2 ** 31 - 1;

/**
 * Calls `leave` when the time is over or the signal is aborted, at once where it is already.
 * @returns what stops it
 */
export function watchPatience(
  { untilMs, signal }: Patience,
  leave: (why: "deadline" | "caller") => void,
): () => void {
  const leftMs = Math.min(Math.max(0, Math.ceil(untilMs - performance.now())), longestTimerMs);
  const timer = setTimeout(leave, leftMs, "deadline");
  const leaveOnAbort = () => leave("caller");
  signal?.addEventListener("abort", leaveOnAbort, { once: true });
  if (signal?.aborted) leaveOnAbort();
  return () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", leaveOnAbort);
  };
}
