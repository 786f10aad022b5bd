import { costs, instructionCosts } from "./cost-table.ts";
import { createFlow } from "./meter-flow.ts";
import { type FuelCode, isRewritten, movedInPlace, writeInstruction } from "./meter-instructions.ts";
import type { Layout } from "./meter-layout.ts";
import { createWriteMarks, type WriteMarks } from "./meter-writes.ts";
import { type BlockType, emit } from "./wasm/emit.ts";
import { nextInstruction, scanOf } from "./wasm/instructions.ts";
import type { FunctionBody } from "./wasm/module.ts";
import { opcodes } from "./wasm/opcodes.ts";
import { i32 } from "./wasm/value-types.ts";
import { createWriter, type Writer, writeBytes, writePiece, writeS32, written } from "./wasm/writer.ts";

/** What follows these can be reached without them, or not at all: no charge is merged across. */
const endsSegment: ReadonlySet<number> = new Set(
  (
    [
      "unreachable",
      "loop",
      "if",
      "else",
      "end",
      "br",
      "br_if",
      "br_table",
      "return",
      "return_call",
      "return_call_indirect",
    ] as const
  ).map((name) => opcodes[name][0]),
);

/**
 * The longest way, in units, from one check to the next inside one function. A program can stack such ways
 * up by returning through a few thousand frames, so it also bounds how far the counter falls below zero.
 */
const uncheckedUnits = 1_000;

/** A function's type as its body needs it: how many parameters, and a block of its results. */
export type Signature = { readonly params: number; readonly results: BlockType };

export type BodyMeter = (original: FunctionBody, signature: Signature) => MeteredBody;

export type MeteredBody = {
  readonly code: FunctionBody;
  /** Offsets of the checks' `if`s in the body. */
  readonly checks: readonly number[];
};

/** Meters functions of one module. They must be valid. */
export function createBodyMeter({ route, injected }: Layout, fuelIn: (local: number) => FuelCode): BodyMeter {
  return (original, signature) => {
    // As the last parameter, or behind all locals.
    const passed = route === "passed";
    const localCount = signature.params + countOf(original.locals);
    const fuel = fuelIn(passed ? signature.params : localCount);
    const { movedFrom } = fuel;
    const marks = createWriteMarks({ injected, localCount, movedFrom, free: localCount + 1 });
    const { body, checks } = meterBody(original, signature.results, { fuel, marks });
    const own = passed ? [] : [{ count: 1, type: i32 }];
    return { code: { locals: [...original.locals, ...own, ...marks.locals], body }, checks };
  };
}

/**
 * The function with every instruction paid before it runs: a charge before each run of instructions that
 * only run together, a check (the branch to the host) at entry, at each loop header and wherever the way
 * since the last one gets long. Bulk instructions are charged by their operand. Before a write stands its mark.
 */
function meterBody(
  original: FunctionBody,
  results: BlockType,
  { fuel, marks }: { readonly fuel: FuelCode; readonly marks: WriteMarks },
): { readonly body: Uint8Array; readonly checks: readonly number[] } {
  // A copy: the index of a local is moved in place wherever it keeps its length.
  const body = original.body.slice();
  const out = createWriter(body.length * 2);
  const checks: number[] = [];
  const flow = createFlow();
  const scan = scanOf(body);
  /** What of the current segment was rewritten; from `copied` on, it is still in `body` as it was. */
  const segment = createWriter();
  let copied = 0;
  let units = 0;
  let checked = false;

  const open = (firstUnits: number) => {
    units = firstUnits;
    checked = true;
    flow.checked(firstUnits);
  };
  const close = (at: number) => {
    writeCharge(out, fuel, { units, checked });
    if (checked) {
      checks.push(out.length + fuel.checkBranch);
      writeBytes(out, fuel.check);
    }
    writePiece(out, segment.bytes, { from: 0, to: segment.length });
    writePiece(out, body, { from: copied, to: at });
    segment.length = 0;
    copied = at;
    units = 0;
    checked = false;
  };

  writeBytes(out, fuel.begin);
  // Every branch out of the body comes to its end.
  emit(out, "block", results);
  open(entryUnits(original.locals));
  while (nextInstruction(scan)) {
    if (flow.live()) {
      const cost = instructionCosts[scan.code] as number;
      if (flow.distance() + cost > uncheckedUnits) {
        close(scan.start);
        open(0);
      }
      units += cost;
      flow.advance(cost);
    }
    if (flow.live() && marks.isDue(scan)) {
      writePiece(segment, body, { from: copied, to: scan.start });
      marks.writeStore(segment, scan);
      copied = scan.start;
    }
    marks.step(scan);
    if (isRewritten(scan, fuel) && !movedInPlace(scan)) {
      writePiece(segment, body, { from: copied, to: scan.start });
      writeInstruction(segment, scan, { fuel, marks });
      copied = scan.end;
    }
    flow.step(scan);
    if (endsSegment.has(scan.code)) {
      close(scan.end);
      if (scan.code === opcodes.loop[0] && flow.live()) open(costs.loopTurn);
    }
  }
  close(body.length);
  writeBytes(out, fuel.end);
  return { body: written(out), checks };
}

function entryUnits(locals: FunctionBody["locals"]): number {
  return costs.functionEntry + Math.ceil(countOf(locals) / costs.localsPerUnit);
}

function countOf(locals: FunctionBody["locals"]): number {
  return locals.reduce((sum, { count }) => sum + count, 0);
}

/** A charge leaves the fuel on the stack for the check that follows. */
function writeCharge(
  out: Writer,
  fuel: FuelCode,
  { units, checked }: { units: number; checked: boolean },
): void {
  if (units > 0) {
    writeBytes(out, fuel.chargeHead);
    writeS32(out, units);
    writeBytes(out, checked ? fuel.chargeTailForCheck : fuel.chargeTail);
  } else if (checked) writeBytes(out, fuel.get);
}
