import { performance } from "node:perf_hooks";
import type { Waiting } from "./scheduler.ts";

/** Calls of one binding that wait for the CPU before they have an instance. */
export type TurnLine = {
  readonly length: number;
  /** Waits for the turn; null when it has come, else why it will not: the call is not running then. */
  wait(
    waiting: Waiting,
    until: { readonly atMs: number; readonly signal: AbortSignal | undefined },
  ): Promise<NoTurn | null>;
  /** Sends everyone away. */
  dismiss(): void;
};

export type NoTurn = "deadline" | "caller" | "dismissed";

const longestTimerMs = 2 ** 31 - 1;

export function createTurnLine(): TurnLine {
  const leaves = new Set<(why: NoTurn) => void>();
  return {
    get length() {
      return leaves.size;
    },
    async wait(waiting, { atMs, signal }) {
      let reason: NoTurn | null = null;
      const leave = (why: NoTurn) => {
        reason ??= why;
        waiting.leave();
      };
      const leaveOnAbort = () => leave("caller");
      const leftMs = Math.min(Math.max(0, Math.ceil(atMs - performance.now())), longestTimerMs);
      const timer = setTimeout(leave, leftMs, "deadline");
      signal?.addEventListener("abort", leaveOnAbort, { once: true });
      if (signal?.aborted) leaveOnAbort();
      leaves.add(leave);
      await waiting.turn;
      leaves.delete(leave);
      clearTimeout(timer);
      signal?.removeEventListener("abort", leaveOnAbort);
      return reason;
    },
    dismiss() {
      for (const leave of [...leaves]) leave("dismissed");
    },
  };
}
