import { performance } from "node:perf_hooks";

/** Does the work `times` times, one after the other. */
export type Work = (times: number) => Promise<void> | void;

export type Measured = {
  /** Median over the rounds of A's time by B's time. */
  readonly ratio: number;
  /** Medians, microseconds for one time. */
  readonly aUs: number;
  readonly bUs: number;
  readonly rounds: number;
};

/** How long one sample of one side should take: long against the clock and a collection of garbage. */
const sampleMs = 20;

export type Rounds = { readonly rounds?: number; readonly warmUpMs?: number };

/**
 * Times two works against each other in one run: a round measures both, back to back, and the order changes every
 * round, so that a machine whose speed drifts changes both alike.
 */
export async function interleave(
  a: Work,
  b: Work,
  { rounds = 41, warmUpMs = 200 }: Rounds = {},
): Promise<Measured> {
  const [timesA, timesB] = [await calibrate(a, warmUpMs), await calibrate(b, warmUpMs)];
  const samples: { a: number; b: number }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const aFirst = round % 2 === 0;
    const first = aFirst ? await sample(a, timesA) : await sample(b, timesB);
    const second = aFirst ? await sample(b, timesB) : await sample(a, timesA);
    samples.push(aFirst ? { a: first, b: second } : { a: second, b: first });
  }
  return {
    ratio: median(samples.map((one) => one.a / one.b)),
    aUs: median(samples.map((one) => one.a)),
    bUs: median(samples.map((one) => one.b)),
    rounds,
  };
}

/** Warms the work up and says how often it fits into one sample. */
async function calibrate(work: Work, warmUpMs: number): Promise<number> {
  const until = performance.now() + warmUpMs;
  let times = 1;
  for (;;) {
    const us = await sample(work, times);
    const fits = Math.max(1, Math.ceil((sampleMs * 1000) / us));
    if (performance.now() >= until) return fits;
    times = Math.min(fits, times * 4);
  }
}

/** Microseconds for one time. */
async function sample(work: Work, times: number): Promise<number> {
  const from = performance.now();
  await work(times);
  return ((performance.now() - from) * 1000) / times;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which this share of the values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
