import { chunkBytes, chunkShift } from "./meter-writes.ts";

/** A piece of a memory: its first byte, and the one behind its last. */
export type Span = { readonly from: number; readonly to: number };

/** Which pieces of an instance's memory were written since `clear`, as metered code has marked them. */
export type Written = {
  /** Marks what the host writes. */
  mark(at: number, bytes: number): void;
  /** In order, apart from each other, inside of the memory. Whatever is not in them is as it was. */
  spans(): readonly Span[];
  clear(): void;
};

const wordBytes = 4;

const wordsOf = (length: number) => Math.ceil(length / chunkBytes / wordBytes);

/**
 * @param marks the memory of the marks; it never grows
 * @param length bytes that the memory has now
 */
export function createWritten(marks: WebAssembly.Memory, length: () => number): Written {
  const bytes = new Uint8Array(marks.buffer);
  const words = new Uint32Array(marks.buffer);
  return {
    mark(at, count) {
      bytes.fill(1, at >>> chunkShift, ((at + count - 1) >>> chunkShift) + 1);
    },
    spans() {
      const end = length();
      const wordCount = wordsOf(end);
      const spans: { from: number; to: number }[] = [];
      for (let word = 0; word < wordCount; word++) {
        // Most of a memory is never written.
        if (words[word] === 0) continue;
        for (let chunk = word * wordBytes; chunk < (word + 1) * wordBytes; chunk++) {
          if (bytes[chunk] === 0) continue;
          const from = chunk * chunkBytes;
          // A mark stands for its chunk and the next.
          const to = Math.min(from + 2 * chunkBytes, end);
          const last = spans.at(-1);
          if (last !== undefined && from <= last.to) last.to = to;
          else if (from < end) spans.push({ from, to });
        }
      }
      return spans;
    },
    clear() {
      // Who marks beyond the memory has trapped, and is not called again.
      words.fill(0, 0, wordsOf(length()));
    },
  };
}
