import { Worker } from "node:worker_threads";
import type { Rows, SqliteAnswer, SqliteRequest } from "./sqlite-rows.ts";
import { StoreUnusable } from "./store.ts";

/** A file that a thread of its own reads and writes. Each promise rejects with an Error that says why. */
export type SqliteThread = {
  /** The next rows of a namespace after a key, null: from the first. No rows: there are no more. */
  load(space: string, after: string | null): Promise<Rows>;
  /** Into the transaction that `commit` ends. */
  write(space: string, rows: Rows): Promise<void>;
  /** `wallMs`: what has expired until then is removed too, some of it each time. */
  commit(wallMs: number): Promise<void>;
  rollback(): Promise<void>;
  close(): Promise<void>;
};

const noRows: Rows = { keys: [], values: [], expiresAt: new Float64Array(), ttlMs: new Float64Array() };

/** @throws StoreUnusable when the file cannot be used */
export async function openThread(file: string): Promise<SqliteThread> {
  const ask = createPost(new Worker(new URL("./sqlite-worker.ts", import.meta.url)));
  const close = async () => {
    await ask({ type: "close" });
    await ask(null);
  };
  try {
    await ask({ type: "open", file });
  } catch (thrown) {
    await ask(null);
    throw new StoreUnusable(
      `${file} cannot be the store: ${thrown instanceof Error ? thrown.message : thrown}`,
    );
  }
  return {
    load: async (space, after) => (await ask({ type: "load", space, after })) ?? noRows,
    write: async (space, rows) => void (await ask({ type: "write", space, rows })),
    commit: async (wallMs) => void (await ask({ type: "commit", wallMs })),
    rollback: async () => void (await ask({ type: "rollback" })),
    close,
  };
}

type Waiting = { resolve(rows: Rows | null): void; reject(reason: Error): void };

/** Asks a worker, which answers in the order of the requests; null ends it. It keeps the process alive only while it is asked. */
function createPost(worker: Worker): (request: SqliteRequest | null) => Promise<Rows | null> {
  const waiting: Waiting[] = [];
  let ended: Error | null = null;
  worker.on("message", (answer: SqliteAnswer) => {
    const next = waiting.shift();
    if (waiting.length === 0) worker.unref();
    if (answer.ok) next?.resolve(answer.rows);
    else next?.reject(new Error(answer.error));
  });
  const end = (reason: Error) => {
    ended ??= reason;
    for (const one of waiting.splice(0)) one.reject(ended);
  };
  worker.on("error", (thrown) => end(new Error(`its thread failed: ${String(thrown)}`)));
  worker.on("exit", () => end(new Error("its thread has ended")));
  worker.unref();
  return async (request) => {
    if (request === null) {
      await worker.terminate();
      return null;
    }
    if (ended !== null) throw ended;
    return new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
      worker.ref();
      worker.postMessage(request);
    });
  };
}
