import type { SavedVars, Vars } from "./vars.ts";
import type { Span, Written } from "./written.ts";

/** Everything of an instance that a call can change and that can be put back: memory, globals, variables. */
export type Snapshot = {
  readonly pages: number;
  /** What of the memory is not zero, in order. */
  readonly ranges: readonly Range[];
  readonly globals: readonly unknown[];
  readonly vars: SavedVars;
};

type Range = { readonly offset: number; readonly bytes: Uint8Array };

/** The parts of an instance that a snapshot is taken of; `memory` and `written` are null when the module has none. */
export type Restorable = {
  readonly memory: WebAssembly.Memory | null;
  readonly written: Written | null;
  readonly globals: readonly WebAssembly.Global[];
  readonly vars: Vars;
};

/** The states of one instance. */
export type Snapshots = {
  /** Null when a global is a NaN: JavaScript reads every one of them as the same, so it cannot be put back exactly. */
  take(): Snapshot | null;
  /**
   * Puts a snapshot of this module back. False when the memory has more pages than then, because a memory cannot shrink:
   * the instance is not usable any more.
   */
  restore(snapshot: Snapshot): boolean;
};

const pageBytes = 65_536;
/** Memory is looked at in pieces of this size: smaller ones cost calls, larger ones copy more zeros. */
const chunkBytes = 16_384;
const zeros = new Uint8Array(chunkBytes);

export function createSnapshots({ memory, written, globals, vars }: Restorable): Snapshots {
  /** What the memory is equal to but for what was written since. */
  let base: Snapshot | null = null;
  /** Of the memory; a growth makes another. */
  let bytes = Buffer.alloc(0);

  function bytesOf({ buffer }: WebAssembly.Memory): Buffer {
    if (bytes.buffer !== buffer) bytes = Buffer.from(buffer);
    return bytes;
  }

  function isNow(snapshot: Snapshot): void {
    base = snapshot;
    written?.clear();
  }

  return {
    take() {
      const values: unknown[] = globals.map((global) => global.value);
      if (values.some(Number.isNaN)) return null;
      const taken = {
        pages: pagesOf(memory),
        ranges: memory === null ? [] : nonZeroRanges(bytesOf(memory)),
        globals: values,
        vars: vars.save(),
      };
      isNow(taken);
      return taken;
    },
    restore(snapshot) {
      const missing = snapshot.pages - pagesOf(memory);
      if (missing < 0) return false;
      if (missing > 0) memory?.grow(missing);
      if (memory !== null) {
        const isMarked = base === snapshot && written !== null;
        if (isMarked) restoreSpans(bytesOf(memory), snapshot.ranges, written.spans());
        else restoreMemory(bytesOf(memory), snapshot.ranges);
      }
      for (const [index, global] of globals.entries()) global.value = snapshot.globals[index];
      vars.restore(snapshot.vars);
      isNow(snapshot);
      return true;
    },
  };
}

export function pagesOf(memory: WebAssembly.Memory | null): number {
  return memory === null ? 0 : memory.buffer.byteLength / pageBytes;
}

/** Only what was written: the other bytes are as the ranges say. */
function restoreSpans(memory: Buffer, ranges: readonly Range[], spans: readonly Span[]): void {
  let next = 0;
  for (const { from, to } of spans) {
    let clean = from;
    for (; clean < to; next++) {
      const range = ranges[next];
      if (range === undefined || range.offset >= to) break;
      const end = range.offset + range.bytes.length;
      if (end <= clean) continue;
      const start = Math.max(range.offset, clean);
      if (clean < start) memory.fill(0, clean, start);
      clean = Math.min(end, to);
      memory.set(range.bytes.subarray(start - range.offset, clean - range.offset), start);
      // It may reach into the next span too.
      if (end > to) break;
    }
    if (clean < to) memory.fill(0, clean, to);
  }
}

function restoreMemory(memory: Buffer, ranges: readonly Range[]): void {
  let clean = 0;
  for (const { offset, bytes } of ranges) {
    zero(memory, clean, offset);
    memory.set(bytes, offset);
    clean = offset + bytes.length;
  }
  zero(memory, clean, memory.length);
}

/** Only what is not zero is written: a page that is read costs no memory, one that is zeroed does. */
export function zero(memory: Buffer, from: number, to: number): void {
  for (let at = from; at < to; at += chunkBytes) {
    const end = Math.min(at + chunkBytes, to);
    if (isZero(memory, at, end)) continue;
    memory.fill(0, at, end);
  }
}

function isZero(memory: Buffer, from: number, to: number): boolean {
  return memory.compare(zeros, 0, to - from, from, to) === 0;
}

/** Neighbouring chunks that are not zero become one range. */
function nonZeroRanges(memory: Buffer): Range[] {
  const ranges: Range[] = [];
  let start = -1;
  for (let at = 0; at <= memory.length; at += chunkBytes) {
    const used = at < memory.length && !isZero(memory, at, Math.min(at + chunkBytes, memory.length));
    if (used && start < 0) start = at;
    if (used || start < 0) continue;
    ranges.push({ offset: start, bytes: Uint8Array.from(memory.subarray(start, at)) });
    start = -1;
  }
  return ranges;
}
