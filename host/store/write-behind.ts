import { setImmediate as nextTurn } from "node:timers/promises";
import { storeLimits } from "#host/limits.ts";
import type { Clock } from "./clock.ts";
import { bytesPerMessage, type Rows, rowsPerMessage } from "./sqlite-rows.ts";
import type { SqliteThread } from "./sqlite-thread.ts";
import { StoreRefused } from "./store.ts";
import type { Table } from "./table.ts";

/** Brings what changed in memory into the file, a fraction of a second later and in one transaction. */
export type WriteBehind = {
  /** Names the table's place in the file. The answer is to be called for each key before it changes. */
  track(space: string, table: ReadOnly): (key: string) => void;
  /** Writes what is still to be written, and nothing any more. */
  close(): Promise<void>;
};

type ReadOnly = Pick<Table<Uint8Array | number>, "read">;
type Tracked = {
  readonly space: string;
  readonly table: ReadOnly;
  changed: Set<string>;
  writing: Set<string>;
};

export type WriteBehindOptions = {
  readonly clock: Clock;
  /** Why the file cannot be written, once; null when it can again. */
  readonly onTrouble: (error: string | null) => void;
};

/**
 * Keys of one namespace that wait for the disk: all that it can hold, those of the transaction that runs, and as many that
 * were removed meanwhile.
 */
const mostChanges = 3 * storeLimits.entries;

export function createWriteBehind(
  thread: SqliteThread,
  { clock, onTrouble }: WriteBehindOptions,
): WriteBehind {
  const tracked: Tracked[] = [];
  let timer: NodeJS.Timeout | null = null;
  let writing: Promise<void> = Promise.resolve();
  /** Of the last attempt; 0 when it did well. */
  let delayMs = 0;
  let closed = false;

  function schedule(): void {
    if (timer !== null || closed) return;
    timer = setTimeout(
      () => {
        writing = flush().finally(() => {
          timer = null;
          if (tracked.some(({ changed }) => changed.size > 0)) schedule();
        });
      },
      Math.max(storeLimits.flushMs, delayMs),
    ).unref();
  }

  async function flush(): Promise<void> {
    for (const one of tracked) [one.writing, one.changed] = [one.changed, new Set()];
    try {
      for (const { space, table, writing: keys } of tracked) {
        for (const rows of rowsOf(keys, table, clock)) await thread.write(space, rows);
      }
      await thread.commit(clock.wall());
      for (const one of tracked) one.writing = new Set();
      if (delayMs > 0) onTrouble(null);
      delayMs = 0;
    } catch (thrown) {
      await thread.rollback().catch(() => {});
      await keepChanges();
      if (delayMs === 0) onTrouble(thrown instanceof Error ? thrown.message : String(thrown));
      delayMs = Math.min(storeLimits.retryMs, Math.max(storeLimits.flushMs, delayMs * 2));
    }
  }

  /** In small pieces, as everything that can be 100,000 keys long. */
  async function keepChanges(): Promise<void> {
    let count = 0;
    for (const one of tracked) {
      for (const key of one.writing) {
        one.changed.add(key);
        if (++count % 2_000 === 0) await nextTurn();
      }
      one.writing = new Set();
    }
  }

  return {
    track(space, table) {
      const one: Tracked = { space, table, changed: new Set(), writing: new Set() };
      tracked.push(one);
      return (key) => {
        if (one.changed.has(key)) return;
        if (one.changed.size + one.writing.size >= mostChanges) {
          throw new StoreRefused(`${mostChanges} changes wait for the disk, which does not keep up`);
        }
        one.changed.add(key);
        schedule();
      };
    },
    async close() {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      await writing;
      await flush();
    },
  };
}

/** What the keys hold now, in pieces. */
function* rowsOf(keys: Iterable<string>, table: ReadOnly, clock: Clock): Generator<Rows> {
  let piece: string[] = [];
  let bytes = 0;
  for (const key of keys) {
    const value = table.read(key)?.value;
    piece.push(key);
    bytes += value instanceof Uint8Array ? value.length : 0;
    if (piece.length < rowsPerMessage && bytes < bytesPerMessage) continue;
    yield columnsOf(piece, table, clock);
    [piece, bytes] = [[], 0];
  }
  if (piece.length > 0) yield columnsOf(piece, table, clock);
}

function columnsOf(keys: readonly string[], table: ReadOnly, clock: Clock): Rows {
  const toWall = clock.wall() - clock.now();
  const entries = keys.map((key) => table.read(key));
  return {
    keys,
    values: entries.map((entry) => entry?.value ?? null),
    expiresAt: Float64Array.from(entries, (entry) => (entry?.expiresAt ?? 0) + toWall),
    ttlMs: Float64Array.from(entries, (entry) => entry?.ttlMs ?? 0),
  };
}
