import { storeLimits } from "#host/limits.ts";
import { type Store, withAnswer } from "#host/store/store.ts";
import type { Capability } from "./capability.ts";
import { Refused, readText, ttlOf, userImportNames, userImports } from "./user-functions.ts";

const key = { limit: storeLimits.keyBytes, what: "the key" };

/**
 * `counters_get`, `counters_add`, `counters_take`: whole numbers by key, of the binding alone, in the gateway's store. A number stays between
 * -(2^53 - 1) and 2^53 - 1, which every language can read. What is over a limit or fails ends the call with an error, and nothing has changed.
 */
export function createCounters(store: Store): Capability {
  return {
    name: "counters",
    imports: userImportNames("counters"),
    needs: "grants.counters: true",
    grant({ grants, namespace }) {
      if (grants.counters !== true) return null;
      const counters = store.counters(namespace);
      return userImports(
        "counters",
        {
          counters_get: (call, at = 0n) => withAnswer(counters.get(readText(call, at, key)), BigInt),
          counters_add(call, at = 0n, by = 0n, ttlMs = 0n) {
            const name = readText(call, at, key);
            const livesMs = ttlOf(ttlMs) || Number.POSITIVE_INFINITY;
            return call.active ? withAnswer(counters.add(name, Number(by), livesMs), BigInt) : 0n;
          },
          counters_take(call, at = 0n, by = 0n, most = 0n, ttlMs = 0n) {
            if (by < 1n) throw new Refused(`by is ${by}; it must be 1 or more`);
            const name = readText(call, at, key);
            const bounds = { most: Number(most), ttlMs: ttlOf(ttlMs) || Number.POSITIVE_INFINITY };
            return call.active ? withAnswer(counters.take(name, Number(by), bounds), BigInt) : 0n;
          },
        },
        { suspends: true },
      );
    },
  };
}
