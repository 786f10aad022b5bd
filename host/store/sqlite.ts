import { systemClock } from "./clock.ts";
import { countersAfter, createLoading, loadTable, valuesAfter } from "./loading.ts";
import { countersOf, valuesOf } from "./operations.ts";
import { openThread } from "./sqlite-thread.ts";
import { namespaceKey, onceEach, type Store } from "./store.ts";
import { createTables } from "./tables.ts";
import { createWriteBehind, type WriteBehindOptions } from "./write-behind.ts";

export type SqliteOptions = Pick<WriteBehindOptions, "onTrouble"> &
  Partial<Pick<WriteBehindOptions, "clock">>;

/**
 * A store in a file. Memory is the truth while the gateway runs: a namespace is read when it is asked for first, and what changes
 * is written a fraction of a second later by a thread of its own, so that no request ever waits for the disk. What was
 * changed in the last second before a crash can be lost; a file that is half written cannot.
 * @throws StoreUnusable when the file cannot be used
 */
export async function openSqliteStore(
  file: string,
  { onTrouble, clock = systemClock }: SqliteOptions,
): Promise<Store> {
  const thread = await openThread(file);
  const tables = createTables(clock);
  const writeBehind = createWriteBehind(thread, { clock, onTrouble });
  return {
    values: onceEach((namespace) => {
      const space = `values ${namespaceKey(namespace)}`;
      const table = tables.create<Uint8Array>(namespace);
      const read = (value: unknown) => (value instanceof Uint8Array ? value : null);
      const loading = createLoading(() => loadTable(table, { thread, space, clock, read }));
      return valuesAfter(loading, valuesOf(table, { clock, onChange: writeBehind.track(space, table) }));
    }),
    counters: onceEach((namespace) => {
      const space = `counters ${namespaceKey(namespace)}`;
      const table = tables.create<number>(namespace);
      const read = (value: unknown) => (typeof value === "number" ? value : null);
      const loading = createLoading(() => loadTable(table, { thread, space, clock, read }));
      return countersAfter(loading, countersOf(table, { clock, onChange: writeBehind.track(space, table) }));
    }),
    async close() {
      tables.close();
      await writeBehind.close();
      await thread.close();
    },
  };
}
