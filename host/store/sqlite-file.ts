import { closeSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { storeLimits } from "#host/limits.ts";

/** "Sgat": a database of another program is not written into. */
const applicationId = 0x53676174;
const layout = 1;

const tables = `
  CREATE TABLE IF NOT EXISTS spaces (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE IF NOT EXISTS entries (
    space INTEGER NOT NULL,
    key BLOB NOT NULL,
    value ANY NOT NULL,
    expires_at REAL,
    ttl_ms REAL,
    PRIMARY KEY (space, key)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS entries_by_expiry ON entries (expires_at) WHERE expires_at IS NOT NULL;
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${layout};
`;

/**
 * Opens or makes the file, for this process alone: each holds all in memory, and two would write over each other's.
 * @throws {Error} whose message says why it cannot be used and what to do
 */
export function openFile(file: string): DatabaseSync {
  let database: DatabaseSync | null = null;
  try {
    // What plugins keep is nobody else's to read.
    closeSync(openSync(file, "a", 0o600));
    database = new DatabaseSync(file, { timeout: storeLimits.openTimeoutMs });
    database.exec("PRAGMA locking_mode = EXCLUSIVE");
    requireOurs(database);
    database.exec(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 16777216",
    );
    requireSound(database);
    database.exec(`BEGIN IMMEDIATE; ${tables} COMMIT;`);
    return database;
  } catch (thrown) {
    database?.close();
    throw new Error(reasonOf(thrown));
  }
}

function requireOurs(database: DatabaseSync): void {
  const [id, version] = [numberOf(database, "application_id"), numberOf(database, "user_version")];
  if (numberOf(database, "schema_version") !== 0 && id !== applicationId) {
    throw new Error("it is the database of another program; name another file");
  }
  if (version > layout)
    throw new Error("a newer version of the gateway wrote it; use that, or name another file");
}

function requireSound(database: DatabaseSync): void {
  const { quick_check: found } = database.prepare("PRAGMA quick_check(1)").get() ?? {};
  if (found !== "ok") throw damaged(String(found));
}

function numberOf(database: DatabaseSync, pragma: string): number {
  return Number(database.prepare(`PRAGMA ${pragma}`).get()?.[pragma]);
}

function damaged(detail: string): Error {
  return new Error(`it is damaged (${detail}); put a copy in its place, or move it away to begin anew`);
}

/** https://www.sqlite.org/rescode.html; the low byte is the kind. */
const [busy, corrupt, notDatabase] = [5, 11, 26];

function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const code = "errcode" in thrown && typeof thrown.errcode === "number" ? thrown.errcode & 0xff : null;
  if (code === busy) return "another gateway has it open; each needs a file of its own";
  if (code === corrupt || code === notDatabase) return damaged(thrown.message).message;
  return thrown.message;
}
