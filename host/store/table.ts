import { storeLimits } from "#host/limits.ts";
import type { Budget } from "./budget.ts";
import type { Clock } from "./clock.ts";
import { StoreRefused } from "./store.ts";

export type Entry<Value> = {
  readonly value: Value;
  /** By `Clock.now`; Infinity when it does not expire. */
  readonly expiresAt: number;
  /** What it had when it was made: after a restart no entry lives longer, even if the date went back. */
  readonly ttlMs: number;
};

/** The entries of one namespace in memory. What has expired is never seen, and gone some time later. */
export type Table<Value> = {
  read(key: string): Entry<Value> | null;
  /** @throws StoreRefused over a limit; the entry is as it was then. */
  write(key: string, entry: Entry<Value>): void;
  remove(key: string): void;
  clear(): void;
  /** Looks at the next `steps` entries and removes those that have expired; goes on where the last look ended. */
  sweep(steps: number): void;
};

/** Entries that a write looks at for room before it is refused: some 50 us. */
const stepsForRoom = 1_000;

export function createTable<Value extends Uint8Array | number>(budget: Budget, clock: Clock): Table<Value> {
  const entries = new Map<string, Entry<Value>>();
  let position = entries.entries();

  function remove(key: string, { value }: Entry<Value>): void {
    entries.delete(key);
    budget.give(costOf(key, value));
  }

  function read(key: string): Entry<Value> | null {
    const entry = entries.get(key);
    if (entry === undefined) return null;
    if (entry.expiresAt > clock.now()) return entry;
    remove(key, entry);
    return null;
  }

  function sweep(steps: number): void {
    const now = clock.now();
    for (let left = Math.min(steps, entries.size); left > 0; left -= 1) {
      const { done, value } = position.next();
      if (done === true) position = entries.entries();
      else if (value[1].expiresAt <= now) remove(...value);
    }
  }

  /** Null when the entry has its room, else why not. */
  function makeRoom(key: string, value: Value): string | null {
    const before = read(key);
    if (before === null && entries.size >= storeLimits.entries) {
      return `the namespace has ${entries.size} entries, the limit is ${storeLimits.entries}`;
    }
    const more = costOf(key, value) - (before === null ? 0 : costOf(key, before.value));
    if (more > 0) return budget.take(more);
    budget.give(-more);
    return null;
  }

  return {
    read,
    write(key, entry) {
      requireSizes(key, entry.value);
      let refusal = makeRoom(key, entry.value);
      if (refusal !== null) {
        sweep(stepsForRoom);
        refusal = makeRoom(key, entry.value);
      }
      if (refusal !== null) throw new StoreRefused(refusal);
      entries.set(key, entry);
    },
    remove(key) {
      const entry = entries.get(key);
      if (entry !== undefined) remove(key, entry);
    },
    clear() {
      for (const [key, entry] of entries) remove(key, entry);
    },
    sweep,
  };
}

function costOf(key: string, value: Uint8Array | number): number {
  const bytes = typeof value === "number" ? 8 : value.length;
  return Buffer.byteLength(key) + bytes + storeLimits.entryOverheadBytes;
}

function requireSizes(key: string, value: Uint8Array | number): void {
  const { keyBytes, valueBytes } = storeLimits;
  const length = Buffer.byteLength(key);
  if (length > keyBytes) throw new StoreRefused(`a key of ${length} bytes, the limit is ${keyBytes}`);
  if (typeof value !== "number" && value.length > valueBytes) {
    throw new StoreRefused(`a value of ${value.length} bytes, the limit is ${valueBytes}`);
  }
}
