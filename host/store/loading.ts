import type { Clock } from "./clock.ts";
import type { SqliteThread } from "./sqlite-thread.ts";
import type { Answer, Counters, Values } from "./store.ts";
import type { Table } from "./table.ts";

/** What fails to load is tried again when it is asked for so much later. */
const retryMs = 1_000;

/** Answers `work`, at once when `load` is done, else after it; rejects when that fails. */
export function createLoading(load: () => Promise<void>): <T>(work: () => Answer<T>) => Answer<T> {
  let loaded = false;
  let loading: Promise<void> | null = null;

  function start(): Promise<void> {
    const begun = load().then(() => {
      loaded = true;
    });
    begun.catch(() => {
      setTimeout(() => {
        loading = null;
      }, retryMs).unref();
    });
    return begun;
  }

  loading = start();
  return (work) => {
    if (loaded) return work();
    loading ??= start();
    return loading.then(work);
  };
}

export function valuesAfter(loading: ReturnType<typeof createLoading>, values: Values): Values {
  return {
    get: (key) => loading(() => values.get(key)),
    set: (key, value, ttlMs) => loading(() => values.set(key, value, ttlMs)),
    delete: (key) => loading(() => values.delete(key)),
  };
}

export function countersAfter(loading: ReturnType<typeof createLoading>, counters: Counters): Counters {
  return {
    get: (key) => loading(() => counters.get(key)),
    add: (key, by, ttlMs) => loading(() => counters.add(key, by, ttlMs)),
    take: (key, by, bounds) => loading(() => counters.take(key, by, bounds)),
  };
}

type Source<Value> = {
  readonly thread: SqliteThread;
  readonly space: string;
  readonly clock: Clock;
  /** Null for what another kind of table has written. */
  readonly read: (value: Uint8Array | number | null) => Value | null;
};

/** Fills a table with what the file has and has not expired. */
export async function loadTable<Value>(
  table: Table<Value>,
  { thread, space, clock, read }: Source<Value>,
): Promise<void> {
  try {
    for (let after: string | null = null; ; ) {
      const rows = await thread.load(space, after);
      const [wall, now] = [clock.wall(), clock.now()];
      for (const [index, key] of rows.keys.entries()) {
        const value = read(rows.values[index] ?? null);
        const ttlMs = rows.ttlMs[index] ?? 0;
        // The date may have gone back since: nothing lives longer than it was meant to.
        const leftMs = Math.min((rows.expiresAt[index] ?? 0) - wall, ttlMs);
        if (value !== null && leftMs > 0) table.write(key, { value, ttlMs, expiresAt: now + leftMs });
      }
      after = rows.keys.at(-1) ?? null;
      if (after === null) return;
    }
  } catch (thrown) {
    table.clear();
    throw thrown;
  }
}
