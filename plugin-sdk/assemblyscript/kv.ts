// Capability `kv`: texts by key, of this binding alone, kept until they are deleted or expire.

import { blockOf, textOf } from "./blocks";

@external("extism:host/user", "kv_get")
declare function kvGet(key: u64): u64;
@external("extism:host/user", "kv_set")
declare function kvSet(key: u64, value: u64, ttlMs: i64): void;
@external("extism:host/user", "kv_delete")
declare function kvDelete(key: u64): void;

export function get(key: string): string | null {
  return textOf(kvGet(blockOf(key)));
}

/** `value` has at least one byte. With 0 it does not expire. */
export function set(key: string, value: string, ttlMs: i64 = 0): void {
  kvSet(blockOf(key), blockOf(value), ttlMs);
}

export function remove(key: string): void {
  kvDelete(blockOf(key));
}
