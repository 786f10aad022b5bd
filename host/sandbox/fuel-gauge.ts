import { callLimits } from "#host/limits.ts";

/**
 * The fuel of one instance. The prepared module counts a slice down in its global `sandgate:fuel`; the
 * total lives here, in a double, so that no count can wrap.
 */
export type FuelGauge = {
  /** A new call with this many units. */
  start(total: number): void;
  /** The next slice; false when the total is spent. */
  refill(): boolean;
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

  return {
    start(units) {
      total = units;
      settled = 0;
      grant(Math.min(callLimits.sliceFuel, total));
    },
    refill() {
      settled = used();
      const left = total - settled;
      grant(left < 0 ? -1 : Math.min(callLimits.sliceFuel, left));
      return left >= 0;
    },
    charge(units) {
      settled += units;
      // Host work ends the slice sooner; any amount of it fits the double, not the i32.
      lower(Math.max(-1, counter.value - units));
      return used() <= total;
    },
    used,
    isSpent: () => used() > total,
    stop: () => lower(-1),
  };
}
