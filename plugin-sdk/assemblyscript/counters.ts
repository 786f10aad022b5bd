// Capability `counters`: whole numbers by key, of this binding alone. Two calls at once never lose a count.

import { blockOf } from "./blocks";

@external("extism:host/user", "counters_get")
declare function countersGet(key: u64): i64;
@external("extism:host/user", "counters_add")
declare function countersAdd(key: u64, by: i64, ttlMs: i64): i64;
@external("extism:host/user", "counters_take")
declare function countersTake(key: u64, by: i64, most: i64, ttlMs: i64): i64;

/** 0 for one that does not exist. */
export function get(key: string): i64 {
  return countersGet(blockOf(key));
}

/** The new value. `ttlMs` is for a counter that this call creates: it is gone so long after. */
export function add(key: string, by: i64 = 1, ttlMs: i64 = 0): i64 {
  return countersAdd(blockOf(key), by, ttlMs);
}

/**
 * Adds `by`, 1 or more, if the new value is at most `most`, and answers it; else -1, and nothing has changed. `ttlMs` is from now on.
 */
export function take(key: string, by: i64, most: i64, ttlMs: i64 = 0): i64 {
  return countersTake(blockOf(key), by, most, ttlMs);
}
