import { assemble } from "../../host/sandbox/wasm/emit.ts";
import type { DataSegment } from "../../host/sandbox/wasm/module.ts";

/** A segment costs about so many bytes beside its content; zero runs up to here are cheaper written out. */
const shortestGapBytes = 24;

/** A memory as active segments that leave its long runs of zeros out. */
export function segmentsOf(memory: Uint8Array): DataSegment[] {
  const segments: DataSegment[] = [];
  const words = new BigUint64Array(memory.buffer, memory.byteOffset, memory.length / 8);
  let start = -1;
  let end = 0;
  for (let at = 0; at < words.length; at++) {
    if (words[at] === 0n) continue;
    if (start >= 0 && at * 8 - end > shortestGapBytes) {
      segments.push(segment(memory, start, end));
      start = -1;
    }
    if (start < 0) start = at * 8;
    end = at * 8 + 8;
  }
  if (start >= 0) segments.push(segment(memory, start, end));
  return segments;
}

function segment(memory: Uint8Array, start: number, end: number): DataSegment {
  let [from, to] = [start, end];
  while (memory[from] === 0) from++;
  while (memory[to - 1] === 0) to--;
  const offset = assemble([["i32.const", from], ["end"]]);
  return { segment: { mode: "active", index: 0, offset }, bytes: memory.subarray(from, to) };
}
