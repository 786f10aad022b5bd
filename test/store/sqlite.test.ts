import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { storeLimits } from "#host/limits.ts";
import { openSqliteStore } from "#host/store/sqlite.ts";
import { type Store, StoreUnusable } from "#host/store/store.ts";
import { forEver, space, text, timeOf } from "./conformance.ts";

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "sandgate-store-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function open(file: string, clock = timeOf()): Promise<Store> {
  return openSqliteStore(file, { clock, onTrouble: (error) => assert.fail(String(error)) });
}

function rowCount(file: string): unknown {
  const database = new DatabaseSync(file, { readOnly: true });
  const row = database.prepare("SELECT count(*) AS rows FROM entries").get();
  database.close();
  return row?.["rows"];
}

/** Another process that counts in the file, started by a shell that has set its limits. */
function startCounting(t: TestContext, file: string, shell = "") {
  const script = join(import.meta.dirname, "counting-process.ts");
  const child = spawn("sh", ["-c", `${shell} exec "$0" "$1" "$2"`, process.execPath, script, file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on("line", (line) => lines.push(line));
  return {
    lines,
    async until(matches: (line: string) => boolean): Promise<string> {
      for (;;) {
        const found = lines.find(matches);
        if (found !== undefined) return found;
        await once(reader, "line", { signal: AbortSignal.timeout(20_000) });
      }
    },
    async kill(): Promise<void> {
      const closed = once(child, "close");
      child.kill("SIGKILL");
      await closed;
    },
  };
}

test("what was kept is there after a close, with the rest of its time", async (t) => {
  const file = join(await folderOf(t), "state.db");
  const time = timeOf();
  const first = await open(file, time);
  for (let key = 0; key < 2_500; key += 1) await first.counters(space).add(`${key}`, key + 1, forEver);
  await first.counters(space).add("soon", 7, 1_000);
  await first.counters(space).add("late\0", 7, 10_000);
  await first.values(space).set("👋", Buffer.from([0, 255]), forEver);
  await first.values(space).set("gone", Buffer.from("x"), forEver);
  await first.values(space).delete("gone");
  await first.close();

  time.wallMs += 5_000;
  const second = await open(file, time);
  const counters = second.counters(space);
  for (let key = 0; key < 2_500; key += 1) assert.equal(await counters.get(`${key}`), key + 1);
  assert.equal(await counters.get("soon"), 0);
  assert.equal(await counters.get("late\0"), 7);
  assert.deepEqual(Buffer.from((await second.values(space).get("👋")) ?? []), Buffer.from([0, 255]));
  assert.equal(await second.values(space).get("gone"), null);
  time.ms += 5_000;
  assert.equal(await counters.get("late\0"), 0);
  await second.close();
});

test("after a restart nothing lives longer than it was meant to, also when the date went back", async (t) => {
  const file = join(await folderOf(t), "state.db");
  const time = timeOf();
  const first = await open(file, time);
  await first.counters(space).add("a", 1, 1_000);
  await first.close();
  time.wallMs -= 86_400_000;
  const second = await open(file, time);
  assert.equal(await second.counters(space).get("a"), 1);
  time.ms += 1_000;
  assert.equal(await second.counters(space).get("a"), 0);
  await second.close();
});

test("what stands for ever and is replaced by something that expires does not come back", async (t) => {
  const file = join(await folderOf(t), "state.db");
  const time = timeOf();
  const first = await open(file, time);
  await first.values(space).set("a", Buffer.from("for ever"), forEver);
  await first.close();
  const second = await open(file, time);
  await second.values(space).set("a", Buffer.from("short"), 10);
  time.ms += 10;
  time.wallMs += 10;
  assert.equal(await second.values(space).get("a"), null);
  await second.close();
  const third = await open(file, time);
  assert.equal(text(await third.values(space).get("a")), null);
  await third.close();
});

test("what has expired leaves the file too, and a deleted key does at once", async (t) => {
  const file = join(await folderOf(t), "state.db");
  const time = timeOf();
  const first = await open(file, time);
  for (let key = 0; key < 300; key += 1) await first.counters(space).add(`${key}`, 1, 1_000);
  await first.values(space).set("stays", Buffer.from("x"), forEver);
  await first.values(space).set("goes", Buffer.from("x"), forEver);
  await first.close();
  assert.equal(rowCount(file), 302);
  time.wallMs += 1_000;
  const second = await open(file, time);
  await second.values(space).delete("goes");
  await second.close();
  assert.equal(rowCount(file), 1);
});

test("a process that is killed loses at most the last second, and the file opens again", async (t) => {
  const file = join(await folderOf(t), "state.db");
  const child = startCounting(t, file);
  const first = await child.until((line) => /^\d+ 100$/.test(line));
  await child.until((line) => Number(line.split(" ")[0]) > Number(first.split(" ")[0]) + 1_200);
  const killedMs = Date.now();
  await child.kill();
  const counts = child.lines.map((line) => line.split(" ").map(Number));
  const [, secondBefore = 0] = counts.findLast(([ms = 0]) => ms <= killedMs - 1_000) ?? [];
  const [, last = 0] = counts.at(-1) ?? [];
  assert.ok(secondBefore > 50);
  const store = await open(file);
  const found = await store.counters(space).get("count");
  assert.ok(found >= secondBefore && found <= last + 1, `${secondBefore} <= ${found} <= ${last}`);
  await store.close();
});

test("a file belongs to one process; when that has ended, to the next", async (t) => {
  const file = join(await folderOf(t), "state.db");
  const child = startCounting(t, file);
  await child.until((line) => / 1$/.test(line));
  await assert.rejects(open(file), (thrown: Error) => {
    assert.ok(thrown instanceof StoreUnusable);
    assert.match(thrown.message, /state\.db cannot be the store: another gateway has it open/);
    return true;
  });
  await child.kill();
  const store = await open(file);
  await assert.rejects(open(file), /another gateway has it open/);
  await store.close();
});

test("only its owner may read the file", async (t) => {
  const file = join(await folderOf(t), "state.db");
  const store = await open(file);
  for (const name of [file, `${file}-wal`]) assert.equal((await stat(name)).mode & 0o077, 0, name);
  await store.close();
});

function change(file: string, sql: string): void {
  const database = new DatabaseSync(file);
  database.exec(sql);
  database.close();
}

test("a damaged file, one of another program and one of a newer version are refused and stay as they are", async (t) => {
  const folder = await folderOf(t);
  const good = join(folder, "good.db");
  const store = await open(good);
  for (let key = 0; key < 2_000; key += 1) await store.counters(space).add(`key-${key}`, 1, forEver);
  await store.close();
  const bytes = await readFile(good);
  const middle = Buffer.from(bytes);
  middle.fill(0x5a, 8_192, 24_576);

  const foreign = join(folder, "foreign.db");
  const newer = join(folder, "newer.db");
  await writeFile(newer, bytes);
  change(foreign, "CREATE TABLE theirs (a)");
  change(newer, "PRAGMA user_version = 99");
  await writeFile(join(folder, "text.db"), "not a database, but long enough to be one".repeat(100));
  await writeFile(join(folder, "middle.db"), middle);
  await writeFile(join(folder, "short.db"), bytes);
  await truncate(join(folder, "short.db"), bytes.length - 6_000);

  for (const [name, message] of [
    ["text.db", /is damaged \(file is not a database\); put a copy in its place/],
    ["middle.db", /is damaged/],
    ["short.db", /is damaged/],
    ["foreign.db", /database of another program/],
    ["newer.db", /a newer version of the gateway wrote it/],
  ] as const) {
    const file = join(folder, name);
    const before = await readFile(file);
    await assert.rejects(open(file), message, name);
    assert.deepEqual(await readFile(file), before, name);
  }
});

for (const [what, path] of [
  ["a folder that does not exist", "missing/state.db"],
  ["a folder", "."],
] as const) {
  test(`a file that is ${what} is refused with the reason`, async (t) => {
    const file = join(await folderOf(t), path);
    await assert.rejects(open(file), (thrown: Error) => {
      assert.ok(thrown instanceof StoreUnusable);
      assert.match(thrown.message, /cannot be the store: (ENOENT|EISDIR)/);
      return true;
    });
  });
}

test("a disk without room is told once, counting goes on, and all is written when there is room", async (t) => {
  const file = join(await folderOf(t), "state.db");
  // No file of the process may have more than 256 KiB, which the log of the database has now and then.
  const child = startCounting(t, file, "ulimit -f 512;");
  const trouble = await child.until((line) => line.startsWith("trouble"));
  assert.match(trouble, /^trouble (disk I\/O error|database or disk is full)$/);
  await child.until((line) => line === "trouble null");
  const troubles = child.lines
    .slice(0, child.lines.indexOf("trouble null"))
    .filter((line) => /^t/.test(line));
  assert.deepEqual(troubles, [trouble]);
  const [last = ""] = child.lines.slice(0, child.lines.indexOf(trouble)).slice(-1);
  await child.kill();
  const store = await open(file);
  const found = await store.counters(space).get("count");
  assert.ok(found >= Number(last.split(" ")[1]), `${found} is after ${last}`);
  for (let one = 1; one <= found; one += 1) assert.equal(await store.counters(space).get(`once-${one}`), 1);
  await store.close();
});

test("a disk that stays full is told once, and the gateway goes on", async (t) => {
  const file = join(await folderOf(t), "state.db");
  const child = startCounting(t, file, "ulimit -f 100;");
  const trouble = await child.until((line) => line.startsWith("trouble"));
  const at = child.lines.indexOf(trouble);
  // Tried again after 200, 400 and 800 ms.
  const until = Date.now() + 1_800;
  await child.until((line) => Number(line.split(" ")[0]) > until);
  await child.kill();
  assert.deepEqual(
    child.lines.filter((line) => line.startsWith("trouble")),
    [trouble],
  );
  assert.ok(child.lines.length > at + 20);
});

test("what changes quicker than any disk is refused in the end, and goes on when it was written", async (t) => {
  const store = await open(join(await folderOf(t), "state.db"));
  const values = store.values(space);
  const value = Buffer.from("x");
  await values.get("");
  const churn = (begin: number) => {
    for (let key = begin; key <= begin + 3 * storeLimits.entries; key += 1) {
      values.set(`${key}`, value, forEver);
      values.delete(`${key}`);
    }
  };
  assert.throws(() => churn(0), /StoreRefused: 300000 changes wait for the disk/);
  const until = Date.now() + 20_000;
  for (let kept = false; !kept; ) {
    assert.ok(Date.now() < until);
    await wait(50);
    try {
      await values.set("later", value, forEver);
      kept = true;
    } catch {}
  }
  await store.close();
});
