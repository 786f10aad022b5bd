import type { Host } from "@sandgate/plugin-sdk";

/** So many of something in a length of time. */
export type Limit = {
  readonly most: number;
  readonly perMs: number;
  readonly window: "fixed" | "sliding" | "token-bucket";
};

/** Whose limit it is, when. */
export type Ask = {
  readonly counters: Host<unknown>["counters"];
  readonly key: string;
  readonly now: number;
};

/** What a limit says. */
export type Reading = {
  readonly granted: boolean;
  /** What is left now. */
  readonly remaining: number;
  /** Until all of it is there again. */
  readonly resetMs: number;
  /** Until there is room for one more. */
  readonly waitMs: number;
};

/** A limit at one moment, as a counter with a bound: one of what is limited is `unit` of it. */
type Gauge = {
  readonly key: string;
  readonly unit: number;
  /** The most that the counter may be. */
  readonly bound: number;
  /** How long what is counted now matters. */
  readonly ttlMs: number;
  /** By the counter's value. */
  resetMs(value: number): number;
  waitMs(value: number): number;
};

/** Takes one if there is room; of calls at one time no more get one than there are. */
export function take(limit: Limit, ask: Ask): Reading {
  const gauge = gauges[limit.window](limit, ask);
  const { key, unit, bound, ttlMs } = gauge;
  const value = ask.counters.take(key, unit, { most: bound, ttlMs });
  return read(gauge, value ?? ask.counters.get(key), value !== null);
}

/** Whether there is room for one; takes nothing. */
export function look(limit: Limit, ask: Ask): Reading {
  const gauge = gauges[limit.window](limit, ask);
  const value = ask.counters.get(gauge.key);
  return read(gauge, value, value + gauge.unit <= gauge.bound);
}

/** Counts what is used already, also beyond the limit: it is waited for then. */
export function charge(limit: Limit, ask: Ask, amount: number): void {
  const { key, unit, ttlMs, resetMs } = gauges[limit.window](limit, ask);
  const used = Math.ceil(amount) * unit;
  if (used === 0) return;
  const debtMs = resetMs(ask.counters.get(key) + used);
  ask.counters.take(key, used, { most: Number.MAX_SAFE_INTEGER, ttlMs: ttlMs + debtMs });
}

function read({ unit, bound, resetMs, waitMs }: Gauge, value: number, granted: boolean): Reading {
  return {
    granted,
    remaining: Math.max(0, Math.floor((bound - value) / unit)),
    resetMs: Math.ceil(resetMs(value)),
    waitMs: granted ? 0 : Math.max(1, Math.ceil(waitMs(value))),
  };
}

const gauges = { fixed, sliding, "token-bucket": tokenBucket };

/** A counter for each window, which begins at a whole multiple of its length. */
function fixed({ most, perMs }: Limit, { key, now }: Ask): Gauge {
  const leftMs = perMs - (now % perMs);
  return {
    key: `f ${perMs} ${Math.floor(now / perMs)} ${key}`,
    unit: 1,
    bound: most,
    ttlMs: perMs,
    resetMs: () => leftMs,
    waitMs: () => leftMs,
  };
}

/** As fixed, and of the window before counts the share that the last `perMs` still cover. */
function sliding({ most, perMs }: Limit, { counters, key, now }: Ask): Gauge {
  const index = Math.floor(now / perMs);
  const elapsedMs = now % perMs;
  const before = counters.get(`s ${perMs} ${index - 1} ${key}`);
  return {
    key: `s ${perMs} ${index} ${key}`,
    unit: 1,
    bound: Math.floor(most - (before * (perMs - elapsedMs)) / perMs),
    ttlMs: 2 * perMs,
    resetMs: (value) => (value > 0 ? 2 : 1) * perMs - elapsedMs,
    waitMs(value) {
      // The time at which the share of what is older leaves room for one more: in this window, or in the next.
      const room = most - 1 - value;
      if (room >= 0) return perMs - (room * perMs) / before - elapsedMs;
      return 2 * perMs - ((most - 1) * perMs) / value - elapsedMs;
    },
  };
}

/** Finer than a millisecond, and below 2^53 until the year 2112. */
const unitsPerMs = 2_000;

/** The largest limit of a token bucket. */
export function largestBucket(perMs: number): number {
  return unitsPerMs * perMs;
}

/**
 * The counter is the time, in units, at which the bucket will be full again (the generic cell rate algorithm): taking one moves it
 * on, and it must not be further away than a whole bucket takes to fill.
 */
function tokenBucket({ most, perMs }: Limit, { counters, key, now }: Ask): Gauge {
  const unit = Math.floor((unitsPerMs * perMs) / most);
  const rate = (unit * most) / perMs;
  const at = Math.floor(now * rate);
  const bucket = `b ${perMs} ${most} ${key}`;
  // A bucket that has been full for a while is full now. Who takes at the same time may have moved it on already.
  for (let value = counters.get(bucket); value < at; value = counters.get(bucket)) {
    counters.take(bucket, at - value, { most: at, ttlMs: perMs });
  }
  const bound = at + unit * most;
  return {
    key: bucket,
    unit,
    bound,
    ttlMs: perMs,
    resetMs: (value) => Math.max(0, value - at) / rate,
    waitMs: (value) => (value + unit - bound) / rate,
  };
}
