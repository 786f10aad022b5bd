import type { DatabaseSync } from "node:sqlite";
import { type MessagePort, parentPort } from "node:worker_threads";
import { openFile } from "./sqlite-file.ts";
import {
  bytesPerMessage,
  type Rows,
  rowsPerMessage,
  type SqliteAnswer,
  type SqliteRequest,
} from "./sqlite-rows.ts";

// The thread that waits for the disk, so that the event loop does not.

/** Expired rows that one commit removes from the file. */
const expiredPerCommit = 5_000;

const inbox: MessagePort | null = parentPort;
let answer = beforeOpening;

inbox?.on("message", (request: SqliteRequest) => {
  let reply: SqliteAnswer;
  try {
    reply = { ok: true, rows: answer(request) };
  } catch (thrown) {
    reply = { ok: false, error: thrown instanceof Error ? thrown.message : String(thrown) };
  }
  inbox.postMessage(reply);
});

function beforeOpening(request: SqliteRequest): Rows | null {
  if (request.type === "open") answer = answersOf(openFile(request.file));
  return null;
}

function answersOf(database: DatabaseSync): (request: SqliteRequest) => Rows | null {
  const spaceOf = spacesOf(database);
  const select = database.prepare(
    `SELECT key, value, expires_at AS expiresAt, ttl_ms AS ttlMs FROM entries
     WHERE space = ? AND key > ? ORDER BY key LIMIT ${rowsPerMessage}`,
  );
  const selectFirst = database.prepare(
    `SELECT key, value, expires_at AS expiresAt, ttl_ms AS ttlMs FROM entries
     WHERE space = ? ORDER BY key LIMIT ${rowsPerMessage}`,
  );
  const upsert = database.prepare(
    `INSERT INTO entries (space, key, value, expires_at, ttl_ms) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (space, key) DO UPDATE
     SET value = excluded.value, expires_at = excluded.expires_at, ttl_ms = excluded.ttl_ms`,
  );
  const remove = database.prepare("DELETE FROM entries WHERE space = ? AND key = ?");
  const removeExpired = database.prepare(
    `DELETE FROM entries WHERE rowid IN
     (SELECT rowid FROM entries WHERE expires_at <= ? LIMIT ${expiredPerCommit})`,
  );

  function load(space: string, after: string | null): Rows {
    const id = spaceOf(space);
    const found = after === null ? selectFirst.iterate(id) : select.iterate(id, Buffer.from(after));
    const keys: string[] = [];
    const values: (Uint8Array | number)[] = [];
    const [expiresAt, ttlMs]: [number[], number[]] = [[], []];
    let bytes = 0;
    for (const row of found) {
      const value = row["value"] as Uint8Array | number;
      keys.push(Buffer.from(row["key"] as Uint8Array).toString());
      values.push(value);
      expiresAt.push((row["expiresAt"] as number | null) ?? Number.POSITIVE_INFINITY);
      ttlMs.push((row["ttlMs"] as number | null) ?? Number.POSITIVE_INFINITY);
      bytes += typeof value === "number" ? 0 : value.length;
      if (bytes >= bytesPerMessage) break;
    }
    return { keys, values, expiresAt: Float64Array.from(expiresAt), ttlMs: Float64Array.from(ttlMs) };
  }

  function write(space: string, { keys, values, expiresAt, ttlMs }: Rows): void {
    if (!database.isTransaction) database.exec("BEGIN IMMEDIATE");
    const id = spaceOf(space);
    for (const [index, text] of keys.entries()) {
      const [key, value] = [Buffer.from(text), values[index] ?? null];
      if (value === null) remove.run(id, key);
      else upsert.run(id, key, value, finite(expiresAt[index]), finite(ttlMs[index]));
    }
  }

  function commit(wallMs: number): void {
    if (!database.isTransaction) return;
    removeExpired.run(wallMs);
    database.exec("COMMIT");
  }

  return (request) => {
    switch (request.type) {
      case "load":
        return load(request.space, request.after);
      case "write":
        write(request.space, request.rows);
        return null;
      case "commit":
        commit(request.wallMs);
        return null;
      case "rollback":
        if (database.isTransaction) database.exec("ROLLBACK");
        // On a full disk the log of the database is what can be given back.
        database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
        return null;
      case "close":
        database.close();
        return null;
      case "open":
        throw new Error("it is open");
      default:
        return request satisfies never;
    }
  };
}

/** The number that stands for a namespace in the file. Not remembered: what gave it may be rolled back. */
function spacesOf(database: DatabaseSync): (name: string) => number {
  const select = database.prepare("SELECT id FROM spaces WHERE name = ?");
  const insert = database.prepare("INSERT INTO spaces (name) VALUES (?) RETURNING id");
  return (name) => Number((select.get(name) ?? insert.get(name))?.["id"]);
}

function finite(time: number | undefined): number | null {
  return time === undefined || time === Number.POSITIVE_INFINITY ? null : time;
}
