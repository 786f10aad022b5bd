import { type Patience, watchPatience } from "./patience.ts";
import type { Waiting } from "./scheduler.ts";

/** Calls of one binding that wait for the CPU before they have an instance. */
export type TurnLine = {
  readonly length: number;
  /** Waits for the turn; null when it has come, else why it will not: the call is not running then. */
  wait(waiting: Waiting, patience: Patience): Promise<NoTurn | null>;
  /** Sends everyone away. */
  dismiss(): void;
};

export type NoTurn = "deadline" | "caller" | "dismissed";

export function createTurnLine(): TurnLine {
  const leaves = new Set<(why: NoTurn) => void>();
  return {
    get length() {
      return leaves.size;
    },
    async wait(waiting, patience) {
      let reason: NoTurn | null = null;
      const leave = (why: NoTurn) => {
        reason ??= why;
        waiting.leave();
      };
      const stop = watchPatience(patience, leave);
      leaves.add(leave);
      await waiting.turn;
      leaves.delete(leave);
      stop();
      return reason;
    },
    dismiss() {
      for (const leave of [...leaves]) leave("dismissed");
    },
  };
}
