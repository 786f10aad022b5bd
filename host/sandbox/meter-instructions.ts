import type { Layout } from "./meter-layout.ts";
import { check, fetchFuel } from "./meter-runtime.ts";
import type { WriteMarks } from "./meter-writes.ts";
import { assemble, emit, type Instruction } from "./wasm/emit.ts";
import type { Scan } from "./wasm/instructions.ts";
import { codeCount, opcodes } from "./wasm/opcodes.ts";
import { type Writer, writeByte, writeBytes, writePiece, writeU32 } from "./wasm/writer.ts";

/** The code with which one function handles fuel, in bytes. */
export type FuelCode = {
  readonly layout: Layout;
  /** Locals from this index on moved by one. */
  readonly movedFrom: number;
  /** What stands before and after the body. */
  readonly begin: Uint8Array;
  readonly end: Uint8Array;
  /** Onto the stack, and from there. */
  readonly get: Uint8Array;
  readonly set: Uint8Array;
  /** To the counter, where the host and other functions find it, and from there. */
  readonly putBack: Uint8Array;
  readonly fetch: Uint8Array;
  /** What stands before and after the units of a charge; the second tail leaves the fuel for a check. */
  readonly chargeHead: Uint8Array;
  readonly chargeTail: Uint8Array;
  readonly chargeTailForCheck: Uint8Array;
  /** Takes the fuel from the stack; its branch is `checkBranch` bytes behind its start. */
  readonly check: Uint8Array;
  readonly checkBranch: number;
};

/** Makes the code for fuel in a given local, once for all functions that keep it there. */
export function createFuelCodes(layout: Layout): (local: number) => FuelCode {
  const made = new Map<number, FuelCode>();
  return (local) => {
    const code = made.get(local) ?? fuelCode(local, layout);
    made.set(local, code);
    return code;
  };
}

function fuelCode(local: number, layout: Layout): FuelCode {
  const { injected, route } = layout;
  const passed = route === "passed";
  const get: Instruction = ["local.get", local];
  const set: Instruction = ["local.set", local];
  const putBack: readonly Instruction[] = [get, ["global.set", injected.fuel]];
  const fetch: readonly Instruction[] = [...fetchFuel(injected), set];
  return {
    layout,
    movedFrom: passed ? local : Number.POSITIVE_INFINITY,
    begin: assemble(passed ? [] : fetch),
    end: assemble([...(passed ? [get] : putBack), ["end"]]),
    get: assemble([get]),
    set: assemble([set]),
    putBack: assemble(putBack),
    fetch: assemble(fetch),
    chargeHead: Uint8Array.of(...assemble([get]), opcodes["i32.const"][0]),
    chargeTail: assemble([["i32.sub"], set]),
    chargeTailForCheck: assemble([["i32.sub"], ["local.tee", local]]),
    check: assemble(check(local, injected)),
    checkBranch: assemble([["i32.const", 0], ["i32.lt_s"]]).length,
  };
}

const code = {
  unreachable: opcodes.unreachable[0],
  return: opcodes.return[0],
  call: opcodes.call[0],
  call_indirect: opcodes.call_indirect[0],
  return_call: opcodes.return_call[0],
  return_call_indirect: opcodes.return_call_indirect[0],
  localGet: opcodes["local.get"][0],
  localSet: opcodes["local.set"][0],
  localTee: opcodes["local.tee"][0],
  refFunc: opcodes["ref.func"][0],
  memoryGrow: opcodes["memory.grow"][0],
  memoryFill: opcodes["memory.fill"][0],
  memoryCopy: opcodes["memory.copy"][0],
  memoryInit: opcodes["memory.init"][0],
  tableGrow: opcodes["table.grow"][0],
  tableFill: opcodes["table.fill"][0],
  tableCopy: opcodes["table.copy"][0],
  tableInit: opcodes["table.init"][0],
} as const;

/** By code: 1 where `writeInstruction` has something to do. */
const rewritten = new Uint8Array(codeCount);
for (const one of Object.values(code)) rewritten[one] = 1;

export function isRewritten(scan: Scan, { movedFrom }: FuelCode): boolean {
  if (rewritten[scan.code] === 0) return false;
  return !isLocal(scan) || scan.first >= movedFrom;
}

function isLocal(scan: Scan): boolean {
  return scan.code >= code.localGet && scan.code <= code.localTee;
}

/** Moves the index of a local by one where that is one byte before and after; true when it was. */
export function movedInPlace(scan: Scan): boolean {
  if (!isLocal(scan) || scan.first >= 0x7f || scan.end !== scan.immediates + 1) return false;
  scan.reader.bytes[scan.immediates] = scan.first + 1;
  return true;
}

/** The instruction as it stands in metered code, with its indices moved and fuel handed to whom it calls. */
export function writeInstruction(
  out: Writer,
  scan: Scan,
  { fuel, marks }: { readonly fuel: FuelCode; readonly marks: WriteMarks },
): void {
  const { layout } = fuel;
  const { injected } = layout;
  switch (scan.code) {
    case code.localGet:
    case code.localSet:
    case code.localTee:
      writeByte(out, scan.code);
      writeU32(out, scan.first + 1);
      break;
    case code.call:
      writeCall(out, scan.first, fuel);
      break;
    case code.return_call:
      writeTailCall(out, scan.first, fuel);
      break;
    case code.call_indirect:
      writeBytes(out, fuel.putBack);
      writeOriginal(out, scan);
      writeBytes(out, fuel.fetch);
      break;
    case code.return_call_indirect:
      writeBytes(out, fuel.putBack);
      writeOriginal(out, scan);
      break;
    case code.return:
      writeBytes(out, layout.route === "passed" ? fuel.get : fuel.putBack);
      writeOriginal(out, scan);
      break;
    case code.unreachable:
      // The one trap that is foreseen: what was used of the slice need not be guessed.
      writeBytes(out, fuel.putBack);
      writeOriginal(out, scan);
      break;
    case code.refFunc:
      emit(out, "ref.func", layout.reference(scan.first));
      break;
    case code.memoryFill:
    case code.memoryCopy:
    case code.memoryInit:
      writeOperandCharge(out, injected.chargeBytes, fuel);
      marks.writeRange(out);
      writeOriginal(out, scan);
      break;
    case code.tableFill:
    case code.tableCopy:
    case code.tableInit:
      writeOperandCharge(out, injected.chargeElements, fuel);
      writeOriginal(out, scan);
      break;
    case code.tableGrow:
      // V8 may move the whole table: the old size is paid as well.
      emit(out, "table.size", scan.first);
      writeOperandCharge(out, injected.chargeElements, fuel);
      emit(out, "drop");
      writeOperandCharge(out, injected.chargeElements, fuel);
      writeOriginal(out, scan);
      break;
    case code.memoryGrow:
      writeOperandCharge(out, injected.chargePages, fuel);
      writeOriginal(out, scan);
      emit(out, "call", injected.noteGrowth);
      break;
  }
}

function writeOriginal(out: Writer, scan: Scan): void {
  writePiece(out, scan.reader.bytes, { from: scan.start, to: scan.end });
}

/** The operand is on the stack, and stays there. */
function writeOperandCharge(out: Writer, charge: number, fuel: FuelCode): void {
  writeBytes(out, fuel.get);
  emit(out, "call", charge);
  writeBytes(out, fuel.set);
}

function passesFuel(index: number, { layout }: FuelCode): boolean {
  return layout.route === "passed" && index >= layout.imported;
}

function writeCall(out: Writer, index: number, fuel: FuelCode): void {
  const passes = passesFuel(index, fuel);
  writeBytes(out, passes ? fuel.get : fuel.putBack);
  emit(out, "call", fuel.layout.target(index));
  writeBytes(out, passes ? fuel.set : fuel.fetch);
}

function writeTailCall(out: Writer, index: number, fuel: FuelCode): void {
  const { layout } = fuel;
  if (layout.route === "passed" && !passesFuel(index, fuel)) {
    // An import answers no fuel, so it cannot answer in this function's place.
    writeCall(out, index, fuel);
    writeBytes(out, fuel.get);
    emit(out, "return");
    return;
  }
  writeBytes(out, layout.route === "passed" ? fuel.get : fuel.putBack);
  emit(out, "return_call", layout.target(index));
}
