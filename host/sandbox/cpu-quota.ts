/** CPU time that refills with wall time: a bucket that holds one second's worth. */
export type CpuQuota = {
  setRate(msPerSecond: number): void;
  spend(ms: number): void;
  /** Milliseconds until there is something to spend again; 0 when there is. */
  waitMs(): number;
};

/** @param now milliseconds of a monotonic clock */
export function createCpuQuota(msPerSecond: number, now: () => number): CpuQuota {
  let rate = msPerSecond;
  let balance = msPerSecond;
  let settledAt = now();

  function settle(): void {
    const at = now();
    balance = Math.min(rate, balance + ((at - settledAt) * rate) / 1000);
    settledAt = at;
  }

  return {
    setRate(changed) {
      settle();
      rate = changed;
      balance = Math.min(balance, rate);
    },
    spend(ms) {
      settle();
      balance -= ms;
    },
    waitMs() {
      settle();
      // The whole thread; what is charged can be more than was used, where several were at it at once.
      if (rate >= 1000) return 0;
      return balance > 0 ? 0 : Math.max(1, Math.ceil((-balance * 1000) / rate));
    },
  };
}
