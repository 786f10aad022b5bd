import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryStore } from "#host/store/memory.ts";
import { openSqliteStore } from "#host/store/sqlite.ts";
import { testStore } from "./conformance.ts";

testStore("memory", async (t, { clock }) => {
  const store = createMemoryStore({ clock });
  t.after(() => store.close());
  return store;
});

testStore("sqlite", async (t, { clock }) => {
  const folder = await mkdtemp(join(tmpdir(), "sandgate-store-"));
  const onTrouble = (error: string | null) => {
    throw new Error(String(error));
  };
  const store = await openSqliteStore(join(folder, "state.db"), { clock, onTrouble });
  t.after(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });
  return store;
});
