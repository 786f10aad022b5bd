import { cacheLimits, storeLimits } from "#host/limits.ts";
import { type Clock, systemClock } from "./clock.ts";
import { type Namespace, namespaceKey, StoreRefused } from "./store.ts";

/** Bytes by key while there is room. The bytes must not be changed. */
export type Cache = {
  get(key: string): Uint8Array | null;
  /**
   * `ttlMs` at most; 0 or less removes the key.
   * @throws StoreRefused over a limit of key or value
   */
  set(key: string, value: Uint8Array, ttlMs: number): void;
  delete(key: string): void;
};

/** Every cache of a gateway. */
export type Caches = (namespace: Namespace) => Cache;

type Entry = { readonly value: Uint8Array; readonly expiresAt: number; readonly cost: number };

/** In the order of their last use: the first goes first. */
type Room = { readonly entries: Map<string, Entry>; used: number };

/** In memory, with one room for all namespaces of a tenant: what was not used for longest makes place for the new. */
export function createCaches(clock: Clock = systemClock): Caches {
  const rooms = new Map<string | null, Room>();
  return (namespace) => {
    const { tenant } = namespace;
    const room = rooms.get(tenant) ?? { entries: new Map(), used: 0 };
    rooms.set(tenant, room);
    return cacheIn(room, namespaceKey(namespace), clock);
  };
}

function cacheIn(room: Room, prefix: string, clock: Clock): Cache {
  // The prefix is JSON, which ends where its last bracket is: no key can make it another's.
  const full = (key: string) => prefix + key;

  function remove(name: string): void {
    room.used -= room.entries.get(name)?.cost ?? 0;
    room.entries.delete(name);
  }

  return {
    get(key) {
      const name = full(key);
      const entry = room.entries.get(name);
      if (entry === undefined) return null;
      room.entries.delete(name);
      if (entry.expiresAt > clock.now()) {
        room.entries.set(name, entry);
        return entry.value;
      }
      room.used -= entry.cost;
      return null;
    },
    set(key, value, ttlMs) {
      const name = full(key);
      const cost = costOf(key, value) + prefix.length;
      remove(name);
      if (ttlMs <= 0) return;
      while (room.used + cost > cacheLimits.tenantBytes) {
        const [oldest] = room.entries.keys();
        if (oldest === undefined) break;
        remove(oldest);
      }
      room.entries.set(name, { value, cost, expiresAt: clock.now() + ttlMs });
      room.used += cost;
    },
    delete: (key) => remove(full(key)),
  };
}

/** @throws StoreRefused */
function costOf(key: string, value: Uint8Array): number {
  const { keyBytes, valueBytes } = cacheLimits;
  const length = Buffer.byteLength(key);
  if (length > keyBytes) throw new StoreRefused(`a key of ${length} bytes, the limit is ${keyBytes}`);
  if (value.length > valueBytes) {
    throw new StoreRefused(`a value of ${value.length} bytes, the limit is ${valueBytes}`);
  }
  return length + value.length + storeLimits.entryOverheadBytes;
}
