import { setTimeout as wait } from "node:timers/promises";
import { openSqliteStore } from "#host/store/sqlite.ts";
import { forEver, space } from "./conformance.ts";

// Opens the file of its argument and counts; a line says the time and how far it came. Or says why it cannot.

try {
  const store = await openSqliteStore(process.argv[2] ?? "", {
    onTrouble: (error) => process.stdout.write(`trouble ${error}\n`),
  });
  const [counters, values] = [store.counters(space), store.values(space)];
  for (;;) {
    const count = await counters.add("count", 1, forEver);
    await counters.add(`once-${count}`, 1, forEver);
    await values.set(`value-${count % 64}`, Buffer.alloc(1_024, count), forEver);
    process.stdout.write(`${Date.now()} ${count}\n`);
    await wait(5);
  }
} catch (thrown) {
  process.stdout.write(`${String(thrown)}\n`);
}
