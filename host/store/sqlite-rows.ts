/** Rows of one namespace on their way between the threads: column by column, which is quicker to copy than objects. */
export type Rows = {
  readonly keys: readonly string[];
  /** Null is a deletion. */
  readonly values: readonly (Uint8Array | number | null)[];
  /** Milliseconds since 1970; Infinity when the row does not expire. */
  readonly expiresAt: Float64Array;
  readonly ttlMs: Float64Array;
};

export type SqliteRequest =
  | { readonly type: "open"; readonly file: string }
  /** The next rows after a key, null: from the first; fewer than asked for only when they are the last. */
  | { readonly type: "load"; readonly space: string; readonly after: string | null }
  | { readonly type: "write"; readonly space: string; readonly rows: Rows }
  /** Also removes some of what has expired at that time. */
  | { readonly type: "commit"; readonly wallMs: number }
  | { readonly type: "rollback" }
  | { readonly type: "close" };

export type SqliteAnswer =
  | { readonly ok: true; readonly rows: Rows | null }
  | { readonly ok: false; readonly error: string };

/** Of one message: the event loop needs some 200 us to make or take one. */
export const rowsPerMessage = 250;
export const bytesPerMessage = 256 * 1024;
