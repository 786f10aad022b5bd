import type { Clock } from "./clock.ts";
import type { Counters, Values } from "./store.ts";
import type { Table } from "./table.ts";

/** What a table is asked through; `onChange` hears of each key just before it changes, and may throw. */
type Options = { readonly clock: Clock; readonly onChange?: (key: string) => void };

export function valuesOf(table: Table<Uint8Array>, { clock, onChange = () => {} }: Options): Values {
  return {
    get: (key) => table.read(key)?.value ?? null,
    set(key, value, ttlMs) {
      onChange(key);
      table.write(key, { value, ttlMs, expiresAt: clock.now() + ttlMs });
    },
    delete(key) {
      if (table.read(key) === null) return;
      onChange(key);
      table.remove(key);
    },
  };
}

const largest = Number.MAX_SAFE_INTEGER;

export function countersOf(table: Table<number>, { clock, onChange = () => {} }: Options): Counters {
  return {
    get: (key) => table.read(key)?.value ?? 0,
    add(key, by, ttlMs) {
      const before = table.read(key);
      const value = Math.max(-largest, Math.min(largest, (before?.value ?? 0) + by));
      onChange(key);
      const lives = before ?? { ttlMs, expiresAt: clock.now() + ttlMs };
      table.write(key, { value, ttlMs: lives.ttlMs, expiresAt: lives.expiresAt });
      return value;
    },
    take(key, by, { most, ttlMs }) {
      const value = Math.max(0, table.read(key)?.value ?? 0) + by;
      if (value > Math.min(most, largest)) return -1;
      onChange(key);
      table.write(key, { value, ttlMs, expiresAt: clock.now() + ttlMs });
      return value;
    },
  };
}
