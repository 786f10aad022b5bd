// Capability `counters`: whole numbers by key, of this binding alone. Two calls at once never lose a count.

import { blockOf } from "./blocks";

@external("extism:host/user", "counters_get")
declare function countersGet(key: u64): i64;
@external("extism:host/user", "counters_add")
declare function countersAdd(key: u64, by: i64, ttlMs: i64): i64;

/** 0 for one that does not exist. */
export function get(key: string): i64 {
  return countersGet(blockOf(key));
}

/** The new value. `ttlMs` is for a counter that this call creates: it is gone so long after. */
export function add(key: string, by: i64 = 1, ttlMs: i64 = 0): i64 {
  return countersAdd(blockOf(key), by, ttlMs);
}
