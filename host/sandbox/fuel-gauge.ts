import { performance } from "node:perf_hooks";
import { callLimits } from "#host/limits.ts";

/** What a slice should take at most. Code that waits for memory takes a thousand times as long for a unit as other code. */
const sliceMs = 0.5;
/** Asking the host costs as much as some thousand units. */
const leastSlice = 2_000;

/**
 * The fuel of one instance. The prepared module counts a slice down in its global `sandgate:fuel`; the
 * total lives here, in a double, so that no count can wrap. Slices get shorter while they take too long, and
 * longer again. No count depends on that: a shorter one never goes beyond where the full one would end.
 */
export type FuelGauge = {
  /** A new call with this many units. */
  start(total: number): void;
  /** The next slice; false when the total is spent. */
  refill(): boolean;
  /** From now on the plugin runs without waiting for anything. */
  resume(): void;
  /** After a trap that left no count behind: the slice was used whole, as if none were shorter. */
  loseSlice(): void;
  /** Takes units for work that the host does; false when the total is spent. */
  charge(units: number): boolean;
  /** Units spent since `start`. */
  used(): number;
  isSpent(): boolean;
  /** Makes the next check of the plugin ask the host at once. */
  stop(): void;
};

/** A gauge over the slice counter of a prepared module (a mutable i32 global; charges subtract). */
export function createFuelGauge(counter: WebAssembly.Global): FuelGauge {
  let total = 0;
  /** Units of finished slices and of host work. */
  let settled = 0;
  /** What the counter of the running slice started from. */
  let granted = 0;
  /** Where a full slice would end, in units since `start`. */
  let fullEnd = 0;
  /** Units of the next slice; it outlives the call. */
  let size: number = callLimits.sliceFuel;
  /** Null when the slice cannot be timed: the host has worked or waited in it. */
  let runsSince: number | null = null;

  const used = () => settled + granted - counter.value;

  /** Moves the counter without spending anything. */
  function lower(to: number): void {
    granted += to - counter.value;
    counter.value = to;
  }

  function grant(units: number): void {
    granted = units;
    counter.value = units;
  }

  /** Fits the next slice to the time that this one took. */
  function adapt(): void {
    const now = performance.now();
    if (runsSince !== null) {
      const ms = now - runsSince;
      const fitting = ms > sliceMs ? (granted * sliceMs) / ms : size * 2;
      size = Math.round(Math.min(callLimits.sliceFuel, Math.max(leastSlice, fitting)));
    }
    runsSince = now;
  }

  return {
    start(units) {
      total = units;
      settled = 0;
      fullEnd = Math.min(callLimits.sliceFuel, total);
      runsSince = null;
      grant(Math.min(size, fullEnd));
    },
    resume() {
      runsSince = performance.now();
    },
    refill() {
      adapt();
      settled = used();
      if (settled > total) {
        grant(-1);
        return false;
      }
      if (settled > fullEnd) fullEnd = Math.min(settled + callLimits.sliceFuel, total);
      grant(Math.min(size, fullEnd - settled));
      return true;
    },
    charge(units) {
      settled += units;
      runsSince = null;
      // Host work ends the slice sooner; any amount of it fits the double, not the i32.
      lower(Math.max(-1, counter.value - units));
      return used() <= total;
    },
    loseSlice() {
      settled = Math.max(used(), fullEnd + 1);
      grant(0);
    },
    used,
    isSpent: () => used() > total,
    stop: () => lower(-1),
  };
}
