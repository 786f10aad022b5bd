import { callLimits } from "#host/limits.ts";

/** What native Extism counts for an entry beside its bytes. */
const entryOverheadBytes = 48;

/** The Extism variables of one instance. */
export type Vars = {
  get(key: string): Uint8Array | null;
  /** Null when it fits, else the limit that refuses it. `value` is kept, not copied. */
  set(key: string, value: Uint8Array): string | null;
  delete(key: string): void;
  /** The entries as they are; later changes leave the answer alone. */
  save(): SavedVars;
  restore(saved: SavedVars): void;
};

export type SavedVars = { readonly entries: ReadonlyMap<string, Uint8Array>; readonly bytes: number };

export function createVars(): Vars {
  let entries = new Map<string, Uint8Array>();
  let bytes = 0;
  /** What the entries are equal to, if they are. */
  let same: SavedVars | null = null;

  const sizeOf = (key: string, value: Uint8Array | undefined) =>
    value === undefined ? 0 : Buffer.byteLength(key) + value.length + entryOverheadBytes;

  return {
    get: (key) => entries.get(key) ?? null,
    set(key, value) {
      const next = bytes - sizeOf(key, entries.get(key)) + sizeOf(key, value);
      if (Buffer.byteLength(key) > callLimits.varKeyBytes)
        return `a key over ${callLimits.varKeyBytes} bytes`;
      if (value.length > callLimits.varValueBytes) return `a value over ${callLimits.varValueBytes} bytes`;
      if (next > callLimits.varTotalBytes) return `more than ${callLimits.varTotalBytes} bytes together`;
      if (!entries.has(key) && entries.size >= callLimits.varEntries) {
        return `more than ${callLimits.varEntries} entries`;
      }
      entries.set(key, value);
      bytes = next;
      same = null;
      return null;
    },
    delete(key) {
      bytes -= sizeOf(key, entries.get(key));
      if (entries.delete(key)) same = null;
    },
    save() {
      same = { entries: new Map(entries), bytes };
      return same;
    },
    restore(saved) {
      // Nearly no call writes variables: then there is nothing to copy.
      if (same === saved) return;
      entries = new Map(saved.entries);
      bytes = saved.bytes;
      same = saved;
    },
  };
}
