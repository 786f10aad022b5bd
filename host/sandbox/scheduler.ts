import { performance } from "node:perf_hooks";

/** Plugin CPU in one turn of the event loop; the rest of a turn belongs to sockets, timers and the host's own work. */
const turnMs = 2;

/** A call that waits for the CPU. */
export type Waiting = {
  /** Settles when the call may run. */
  readonly turn: Promise<void>;
  /** Gives the place up: settles `turn` at once, without counting as running. */
  leave(): void;
};

/**
 * Decides who runs next. A call is *running* from `enter` (or the end of its wait) to `pause`.
 * Waiting calls run in the order they came, so calls that use up slice after slice go round robin.
 * The single queue is the place where weights of tenants will stand.
 */
export type Scheduler = {
  /** Asks for the CPU, at the start of a call and after each suspension. Null: run on now. */
  enter(): Waiting | null;
  /** The running call gives the CPU back: it ended, or waits for something else. */
  pause(): void;
};

type Place = { state: "waiting" | "running" | "left"; run: () => void };

/** A scheduler over the event loop of this thread. */
export function createScheduler(): Scheduler {
  const queue: Place[] = [];
  let turnOpen = false;
  let usedMs = 0;
  let runningSince: number | null = null;

  function openTurn(): void {
    if (turnOpen) return;
    turnOpen = true;
    usedMs = 0;
    // Only an immediate lets the poll and timer phases of the loop in between; promises alone starve them.
    setImmediate(closeTurn);
  }

  function closeTurn(): void {
    turnOpen = false;
    // No wasm runs between turns: whoever had the CPU has suspended, ended or was left for good.
    runningSince = null;
    if (queue.length > 0) openTurn();
    runNext();
  }

  function run(): void {
    runningSince = performance.now();
  }

  function runNext(): void {
    while (runningSince === null && usedMs < turnMs) {
      const next = queue.shift();
      if (next === undefined) return;
      if (next.state === "left") continue;
      next.state = "running";
      run();
      next.run();
    }
  }

  return {
    enter() {
      openTurn();
      if (runningSince === null && queue.length === 0 && usedMs < turnMs) {
        run();
        return null;
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      const place: Place = { state: "waiting", run: resolve };
      queue.push(place);
      runNext();
      return {
        turn: promise,
        leave() {
          if (place.state !== "waiting") return;
          place.state = "left";
          resolve();
        },
      };
    },
    pause() {
      if (runningSince !== null) usedMs += performance.now() - runningSince;
      runningSince = null;
      runNext();
    },
  };
}

/** One per thread: the CPU that it shares out is the thread's. */
export const threadScheduler = createScheduler();
