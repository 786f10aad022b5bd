import { quarantineLimits } from "../limits.ts";

/** How a call ended, for the quarantine. `neutral` says nothing about the plugin: refused, left by the client. */
export type Verdict = "good" | "failed" | "neutral";

/** A circuit breaker over the calls of one binding. */
export type Quarantine = {
  /**
   * Null while the plugin is cut off. Otherwise a call may be made, and its end is to be told. Once the time is
   * over one call may be made, as a trial; until its end is told no other may.
   */
  admit(): ((verdict: Verdict) => void) | null;
  /** Milliseconds until the next trial; null when the plugin is not cut off. */
  readonly leftMs: number | null;
};

export type QuarantineOptions = {
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** Called when the plugin is cut off (again), with the time, and with null when it is back. */
  readonly onChange: (forMs: number | null) => void;
};

type State =
  | { readonly kind: "free"; readonly failures: number }
  | { readonly kind: "cut"; readonly until: number; readonly times: number }
  | { readonly kind: "trial"; readonly times: number };

/**
 * Cuts a plugin off after `quarantineLimits.failures` failures in a row, tries it again after `firstMs`, and each time
 * that a trial fails after twice as long, up to `longestMs`.
 */
export function createQuarantine({ now, onChange }: QuarantineOptions): Quarantine {
  let state: State = { kind: "free", failures: 0 };

  function cut(times: number): void {
    const forMs = Math.min(quarantineLimits.firstMs * 2 ** (times - 1), quarantineLimits.longestMs);
    state = { kind: "cut", until: now() + forMs, times };
    onChange(forMs);
  }

  /** Of a call that began while the plugin was free; it may end when it no longer is. */
  function count(verdict: Verdict): void {
    if (state.kind !== "free" || verdict === "neutral") return;
    const failures = verdict === "failed" ? state.failures + 1 : 0;
    if (failures >= quarantineLimits.failures) cut(1);
    else state = { kind: "free", failures };
  }

  function beginTrial(times: number): (verdict: Verdict) => void {
    state = { kind: "trial", times };
    return (verdict) => {
      if (verdict === "failed") cut(times + 1);
      // It said nothing: the next call is the trial.
      else if (verdict === "neutral") state = { kind: "cut", until: now(), times };
      else {
        state = { kind: "free", failures: 0 };
        onChange(null);
      }
    };
  }

  return {
    admit() {
      if (state.kind === "free") return count;
      return state.kind === "cut" && state.until <= now() ? beginTrial(state.times) : null;
    },
    get leftMs() {
      if (state.kind === "free") return null;
      return state.kind === "cut" ? Math.max(0, state.until - now()) : 0;
    },
  };
}
