import { costs, instructionCosts } from "./cost-table.ts";
import { createFlow } from "./meter-flow.ts";
import { check, type Injected } from "./meter-runtime.ts";
import { assemble, emit } from "./wasm/emit.ts";
import { nextInstruction, type Scan, scanOf } from "./wasm/instructions.ts";
import type { FunctionBody } from "./wasm/module.ts";
import { opcodes } from "./wasm/opcodes.ts";
import { hasMappedIndex, type IndexMaps, writeRemapped } from "./wasm/remap.ts";
import { createWriter, type Writer, writeBytes, writeS32, written } from "./wasm/writer.ts";

/** What follows these can be reached without them, or not at all: no charge is merged across. */
const endsSegment = codesOf([
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
]);

const bulkBytes = codesOf(["memory.fill", "memory.copy", "memory.init"]);
const bulkElements = codesOf(["table.fill", "table.copy", "table.init", "table.grow"]);
const memoryGrow = opcodes["memory.grow"][0];
const charged: ReadonlySet<number> = new Set([...bulkBytes, ...bulkElements, memoryGrow]);

/**
 * The longest way, in units, from one check to the next inside one function. A program can stack such ways
 * up by returning through a few thousand frames, so it also bounds how far the counter falls below zero.
 */
const uncheckedUnits = 1_000;

/** How code is metered: `maps` moves its indices, `injected` is what it charges and calls. */
export type BodyMeter = {
  readonly maps: IndexMaps;
  readonly injected: Injected;
  /** Code before and after the number of units in a charge, and the check that may follow. */
  readonly chargeHead: Uint8Array;
  readonly chargeTail: Uint8Array;
  readonly check: Uint8Array;
};

export function createBodyMeter(injected: Injected, maps: IndexMaps): BodyMeter {
  return {
    maps,
    injected,
    chargeHead: Uint8Array.of(...assemble([["global.get", injected.fuel]]), opcodes["i32.const"][0]),
    chargeTail: assemble([["i32.sub"], ["global.set", injected.fuel]]),
    check: assemble(check(injected)),
  };
}

/**
 * The function with every instruction paid before it runs: a charge before each run of instructions that
 * only run together, a check (the branch to the host) at entry, at each loop header and wherever the way
 * since the last one gets long. Bulk instructions are charged by their operand. The body must be valid.
 */
export function meterBody({ locals, body }: FunctionBody, meter: BodyMeter): FunctionBody {
  const out = createWriter(body.length * 2);
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
    writeCharge(out, meter, units, checked);
    writeBytes(out, written(segment));
    writeBytes(out, body.subarray(copied, at));
    segment.length = 0;
    copied = at;
    units = 0;
    checked = false;
  };

  open(entryUnits(locals));
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
    if (isRewritten(scan, meter.maps)) {
      writeBytes(segment, body.subarray(copied, scan.start));
      writeInstruction(segment, scan, meter);
      copied = scan.end;
    }
    flow.step(scan);
    if (endsSegment.has(scan.code)) {
      close(scan.end);
      if (scan.code === opcodes.loop[0] && flow.live()) open(costs.loopTurn);
    }
  }
  close(body.length);
  return { locals, body: written(out) };
}

function entryUnits(locals: FunctionBody["locals"]): number {
  let count = 0;
  for (const run of locals) count += run.count;
  return costs.functionEntry + Math.ceil(count / costs.localsPerUnit);
}

function writeCharge(out: Writer, meter: BodyMeter, units: number, checked: boolean): void {
  if (units > 0) {
    writeBytes(out, meter.chargeHead);
    writeS32(out, units);
    writeBytes(out, meter.chargeTail);
  }
  if (checked) writeBytes(out, meter.check);
}

function isRewritten(scan: Scan, maps: IndexMaps): boolean {
  return charged.has(scan.code) || hasMappedIndex(scan, maps);
}

/** The instruction with its indices moved, and before a bulk instruction the charge for what its operand says. */
function writeInstruction(out: Writer, scan: Scan, { maps, injected }: BodyMeter): void {
  if (bulkBytes.has(scan.code)) emit(out, "call", injected.chargeBytes);
  if (scan.code === opcodes["table.grow"][0]) {
    // V8 may move the whole table: the old size is paid as well.
    emit(out, "table.size", scan.first);
    emit(out, "call", injected.chargeElements);
    emit(out, "drop");
  }
  if (bulkElements.has(scan.code)) emit(out, "call", injected.chargeElements);
  if (scan.code === memoryGrow) emit(out, "call", injected.chargePages);
  writeRemapped(out, scan, maps);
  if (scan.code === memoryGrow) emit(out, "call", injected.noteGrowth);
}

function codesOf(names: readonly (keyof typeof opcodes)[]): ReadonlySet<number> {
  return new Set(names.map((name) => opcodes[name][0]));
}
