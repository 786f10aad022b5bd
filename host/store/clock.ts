import { performance } from "node:perf_hooks";

/** The times that a store goes by, in milliseconds. */
export type Clock = {
  /** Never goes back: what is in memory expires by it, whatever happens to the date. */
  now(): number;
  /** Since 1970: the only one that means something after a restart. */
  wall(): number;
};

export const systemClock: Clock = { now: () => performance.now(), wall: () => Date.now() };
