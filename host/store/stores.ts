import { createMemoryStore } from "./memory.ts";
import { openSqliteStore } from "./sqlite.ts";
import type { Store } from "./store.ts";

/** The stores of a gateway: one for each file, and one in memory. They outlive reloads. */
export type Stores = {
  /**
   * Null: in memory. The same file is the same store.
   * @throws StoreUnusable
   */
  open(file: string | null): Promise<Store>;
  close(): Promise<void>;
};

/** @param onTrouble told when a file cannot be written, and with null when it can again */
export function createStores(onTrouble: (file: string, error: string | null) => void): Stores {
  const stores = new Map<string | null, Promise<Store>>();
  return {
    open(file) {
      const known = stores.get(file);
      if (known !== undefined) return known;
      const opened =
        file === null
          ? Promise.resolve(createMemoryStore())
          : openSqliteStore(file, { onTrouble: (error) => onTrouble(file, error) });
      stores.set(file, opened);
      // What could not be opened may be so the next time.
      opened.catch(() => stores.delete(file));
      return opened;
    },
    async close() {
      const opened = await Promise.allSettled(stores.values());
      await Promise.all(opened.map((one) => (one.status === "fulfilled" ? one.value.close() : null)));
    },
  };
}
