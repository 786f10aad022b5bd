import { cacheLimits } from "#host/limits.ts";
import type { Caches } from "#host/store/cache.ts";
import type { Capability } from "./capability.ts";
import {
  answerBlock,
  Refused,
  readText,
  readWithin,
  ttlOf,
  userImportNames,
  userImports,
} from "./user-functions.ts";

const key = { limit: cacheLimits.keyBytes, what: "the key" };
const value = { limit: cacheLimits.valueBytes, what: "the value" };

/**
 * `cache_get`, `cache_set`, `cache_delete`: as `kv`, in memory alone, and what was not used for longest goes when the tenant's
 * room is full. A value that is kept for 0 ms is not kept. Limits: `cacheLimits`.
 */
export function createCache(caches: Caches): Capability {
  return {
    name: "cache",
    imports: userImportNames("cache"),
    needs: "grants.cache: true",
    grant({ grants, namespace }) {
      if (grants.cache !== true) return null;
      const cache = caches(namespace);
      return userImports("cache", {
        cache_get: (call, at = 0n) => answerBlock(call, cache.get(readText(call, at, key))),
        cache_set(call, at = 0n, valueAt = 0n, ttlMs = 0n) {
          const name = readText(call, at, key);
          const bytes = readWithin(call, valueAt, value);
          const keptMs = ttlOf(ttlMs);
          if (!call.active) return 0n;
          if (bytes.length === 0) throw new Refused("the value is empty; cache_delete removes a key");
          cache.set(name, bytes, keptMs);
          return 0n;
        },
        cache_delete(call, at = 0n) {
          const name = readText(call, at, key);
          if (call.active) cache.delete(name);
          return 0n;
        },
      });
    },
  };
}
