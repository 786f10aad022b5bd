// Capability `cache`: as `kv`, but what is old may be gone at any time.

import { blockOf, textOf } from "./blocks";

@external("extism:host/user", "cache_get")
declare function cacheGet(key: u64): u64;
@external("extism:host/user", "cache_set")
declare function cacheSet(key: u64, value: u64, ttlMs: i64): void;
@external("extism:host/user", "cache_delete")
declare function cacheDelete(key: u64): void;

export function get(key: string): string | null {
  return textOf(cacheGet(blockOf(key)));
}

export function set(key: string, value: string, ttlMs: i64): void {
  cacheSet(blockOf(key), blockOf(value), ttlMs);
}

export function remove(key: string): void {
  cacheDelete(blockOf(key));
}
