import { type CronTimes, nextCronMs } from "#config/cron.ts";
import { durationMs } from "#config/schema.ts";
import type { Rhythm } from "#host/resolve/scheduled.ts";
import { scheduleLimits } from "./limits.ts";

export type Clock = {
  /** That of the wall: it may be set. Milliseconds since 1970. */
  readonly wallMs: () => number;
  /** One that only goes on. */
  readonly monotonicMs: () => number;
  /** 0 to 1 */
  readonly random: () => number;
};

/** Whose turn it is, and when. */
export type Turns = {
  /** Whether the hook runs now. True once for a time, and once for all times that were missed. */
  take(): boolean;
  /** How long a timer may sleep before `take` is asked again; null: for ever. */
  sleepMs(): number | null;
  /** When it runs next, by the clock of the wall; null: never. */
  next(): Date | null;
};

export function createTurns(rhythm: Rhythm, clock: Clock): Turns {
  return "every" in rhythm ? turnsEvery(durationMs(rhythm.every), clock) : turnsByCron(rhythm, clock);
}

/** Once soon, and then so long apart. */
function turnsEvery(wishMs: number, { wallMs, monotonicMs, random }: Clock): Turns {
  const everyMs = Math.max(scheduleLimits.leastMs, wishMs);
  const jitterMs = () => random() * scheduleLimits.jitterShare * everyMs;
  let dueMs = monotonicMs();
  let runMs = dueMs + Math.min(jitterMs(), random() * scheduleLimits.firstMs);
  return {
    take() {
      const now = monotonicMs();
      if (now < runMs) return false;
      dueMs += everyMs;
      if (dueMs < now) dueMs = now + everyMs;
      runMs = dueMs + jitterMs();
      return true;
    },
    sleepMs: () => between(runMs - monotonicMs(), longestTimerMs),
    next: () => new Date(wallMs() + runMs - monotonicMs()),
  };
}

/** At the times of the wall's clock, which is looked at often. */
function turnsByCron(times: CronTimes, { wallMs, random }: Clock): Turns {
  let lookedMs = wallMs();
  let ranMs = Number.NEGATIVE_INFINITY;
  let runMs = after(lookedMs);

  function after(fromMs: number): number | null {
    const dueMs = nextCronMs(times, fromMs);
    return dueMs === null ? null : dueMs + random() * scheduleLimits.cronJitterMs;
  }

  return {
    take() {
      const now = wallMs();
      // It was set back: the next time may be earlier than the one that is waited for.
      if (now < lookedMs) runMs = after(ranMs - now < scheduleLimits.setBackMs ? Math.max(ranMs, now) : now);
      lookedMs = now;
      if (runMs === null || now < runMs) return false;
      ranMs = now;
      runMs = after(now);
      return true;
    },
    sleepMs: () => (runMs === null ? null : between(runMs - wallMs(), scheduleLimits.lookMs)),
    next: () => (runMs === null ? null : new Date(runMs)),
  };
}

/** A timer of Node that is set for longer ends at once. */
const longestTimerMs = 2 ** 31 - 1;

function between(restMs: number, mostMs: number): number {
  return Math.max(1, Math.min(Math.ceil(restMs), mostMs));
}
