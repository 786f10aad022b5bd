import { storeLimits } from "#host/limits.ts";
import { type Store, withAnswer } from "#host/store/store.ts";
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

const key = { limit: storeLimits.keyBytes, what: "the key" };
const value = { limit: storeLimits.valueBytes, what: "the value" };

/**
 * `kv_get`, `kv_set`, `kv_delete`: bytes by key, of the binding alone, in the gateway's store. What is over a limit or fails ends the
 * call with an error, and nothing has changed. Limits: `storeLimits`.
 */
export function createKv(store: Store): Capability {
  return {
    name: "kv",
    imports: userImportNames("kv"),
    needs: "grants.kv: true",
    grant({ grants, namespace }) {
      if (grants.kv !== true) return null;
      const values = store.values(namespace);
      return userImports(
        "kv",
        {
          kv_get: (call, at = 0n) =>
            withAnswer(values.get(readText(call, at, key)), (found) => answerBlock(call, found)),
          kv_set(call, at = 0n, valueAt = 0n, ttlMs = 0n) {
            const name = readText(call, at, key);
            const bytes = readWithin(call, valueAt, value);
            const keptMs = ttlOf(ttlMs) || Number.POSITIVE_INFINITY;
            if (!call.active) return 0n;
            if (bytes.length === 0) throw new Refused("the value is empty; kv_delete removes a key");
            return withAnswer(values.set(name, bytes, keptMs), () => 0n);
          },
          kv_delete(call, at = 0n) {
            const name = readText(call, at, key);
            return call.active ? withAnswer(values.delete(name), () => 0n) : 0n;
          },
        },
        { suspends: true },
      );
    },
  };
}
