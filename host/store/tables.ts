import { storeLimits } from "#host/limits.ts";
import { type Budget, createBudget } from "./budget.ts";
import type { Clock } from "./clock.ts";
import type { Namespace } from "./store.ts";
import { createTable, type Table } from "./table.ts";

/** Makes the tables of a store within its budgets, and removes in the background what has expired. */
export type Tables = {
  create<Value extends Uint8Array | number>(namespace: Namespace): Table<Value>;
  /** Ends the work in the background. */
  close(): void;
};

/** 20,000 entries a second, in pieces of some 100 us. */
const sweepMs = 100;
const sweepSteps = 2_000;

export function createTables(clock: Clock): Tables {
  const whole = createBudget("the store", storeLimits.storeBytes);
  const tenants = new Map<string | null, Budget>();
  const tables: Pick<Table<unknown>, "sweep">[] = [];
  let turn = 0;
  let timer: NodeJS.Timeout | null = null;

  function sweepNext(): void {
    turn = (turn + 1) % tables.length;
    tables[turn]?.sweep(sweepSteps);
  }

  function budgetOf(tenant: string | null): Budget {
    const known = tenants.get(tenant);
    if (known !== undefined) return known;
    const made = createBudget("the tenant", storeLimits.tenantBytes, whole);
    tenants.set(tenant, made);
    return made;
  }

  return {
    create<Value extends Uint8Array | number>({ tenant }: Namespace) {
      const budget = createBudget("the namespace", storeLimits.namespaceBytes, budgetOf(tenant));
      const table = createTable<Value>(budget, clock);
      tables.push(table);
      timer ??= setInterval(sweepNext, sweepMs).unref();
      return table;
    },
    close() {
      if (timer !== null) clearInterval(timer);
    },
  };
}
