import type { CustomSection, FunctionBody } from "./wasm/module.ts";
import { createWriter, type Writer, writeByte, writeBytes, writeU32, written } from "./wasm/writer.ts";

/** The checks of one function: its index, its code, and the offsets of the `if`s in its body, ascending. */
export type UnlikelyBranches = {
  readonly index: number;
  readonly code: FunctionBody;
  readonly offsets: readonly number[];
};

/**
 * Tells V8 that the host is hardly ever asked. It then moves these calls out of the way, and values stay in
 * registers across a check. Source: WebAssembly branch hinting proposal.
 */
export function branchHints(functions: readonly UnlikelyBranches[]): CustomSection {
  const out = createWriter(1 << 12);
  const hinted = functions.filter(({ offsets }) => offsets.length > 0).sort((a, b) => a.index - b.index);
  writeU32(out, hinted.length);
  for (const { index, code, offsets } of hinted) {
    const start = lengthOfLocals(code);
    writeU32(out, index);
    writeU32(out, offsets.length);
    for (const offset of offsets) {
      writeU32(out, start + offset);
      writeBytes(out, unlikely);
    }
  }
  return { name: "metadata.code.branch_hint", bytes: written(out) };
}

/** The length of a hint, and the hint. */
const unlikely = Uint8Array.of(1, 0);

/** Offsets count from the declarations of the locals. */
function lengthOfLocals({ locals }: FunctionBody): number {
  const out: Writer = createWriter();
  writeU32(out, locals.length);
  for (const { count, type } of locals) {
    writeU32(out, count);
    writeByte(out, type);
  }
  return out.length;
}
