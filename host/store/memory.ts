import { systemClock } from "./clock.ts";
import { countersOf, valuesOf } from "./operations.ts";
import { onceEach, type Store } from "./store.ts";
import { createTables } from "./tables.ts";

/** A store that ends with the process. */
export function createMemoryStore({ clock = systemClock } = {}): Store {
  const tables = createTables(clock);
  return {
    values: onceEach((namespace) => valuesOf(tables.create(namespace), { clock })),
    counters: onceEach((namespace) => countersOf(tables.create(namespace), { clock })),
    async close() {
      tables.close();
    },
  };
}
