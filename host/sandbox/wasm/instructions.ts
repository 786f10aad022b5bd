import { MalformedWasm, unsupported } from "./malformed.ts";
import { type ImmediateKind, opcodeImmediates, opcodes } from "./opcodes.ts";
import {
  type Reader,
  readByte,
  readBytes,
  readCount,
  readerOf,
  readS32,
  readS33,
  readU32,
  readWideU32,
  skipS64,
} from "./reader.ts";
import { readRefType, readValType } from "./value-types.ts";

/** The byte of the block type without parameters and results. */
export const emptyBlock = 0x40;

/**
 * A linear walk over a function body or a constant expression. After `nextInstruction` the fields
 * describe one instruction; only those that its immediates mention are meaningful.
 */
export type Scan = {
  readonly reader: Reader;
  /** Code as in opcodes.ts. */
  code: number;
  /** Offset of the opcode, of its first immediate, and of what follows the instruction. */
  start: number;
  immediates: number;
  end: number;
  /**
   * The integer immediates in their order: an index, a label, an i32, a lane; of a memarg the alignment
   * exponent; of a block type the type index, or its byte minus 0x80.
   */
  first: number;
  second: number;
  /** Of a memarg: the memory index and the offset. */
  memory: number;
  offset: number;
  /** Of br_table: the targets, the default last. */
  labels: readonly number[];
};

export function scanOf(body: Uint8Array): Scan {
  return scanFrom(readerOf(body));
}

/** As `scanOf`, from a place inside larger bytes; offsets count from the first of those. */
export function scanFrom(reader: Reader): Scan {
  return {
    reader,
    code: 0,
    start: 0,
    immediates: 0,
    end: 0,
    first: 0,
    second: 0,
    memory: 0,
    offset: 0,
    labels: [],
  };
}

/**
 * Steps to the next instruction; false at the end of the bytes. Throws MalformedWasm for what is cut
 * off or outside the allow-list. Nesting is not tracked: that is the validator's business.
 */
export function nextInstruction(scan: Scan): boolean {
  const reader = scan.reader;
  if (reader.at >= reader.end) return false;
  scan.start = reader.at;
  scan.code = readCode(reader);
  const kinds = opcodeImmediates[scan.code];
  if (kinds === undefined) throw refusedOpcode(scan);
  scan.immediates = reader.at;
  for (let index = 0; index < kinds.length; index++) {
    const value = readImmediate(scan, kinds[index] as ImmediateKind);
    if (index === 0) scan.first = value;
    else scan.second = value;
  }
  scan.end = reader.at;
  return true;
}

function readCode(reader: Reader): number {
  const byte = readByte(reader);
  if (byte !== 0xfc && byte !== 0xfd) return byte;
  const code = readU32(reader);
  // Beyond the table whatever it is; the message reads the bytes again.
  return code > 0xff ? -1 : code + (byte === 0xfc ? 0x100 : 0x200);
}

function readImmediate(scan: Scan, kind: ImmediateKind): number {
  const reader = scan.reader;
  switch (kind) {
    case "local":
    case "label":
    case "func":
    case "type":
    case "table":
    case "global":
    case "memory":
    case "elem":
    case "data":
      return readU32(reader);
    case "i32":
      return readS32(reader);
    case "memarg":
      return readMemarg(scan);
    case "blockType":
      return readBlockType(reader);
    case "lane":
      return readByte(reader);
    case "i64":
      skipS64(reader);
      return 0;
    case "f32":
      readBytes(reader, 4);
      return 0;
    case "f64":
      readBytes(reader, 8);
      return 0;
    case "bytes16":
      readBytes(reader, 16);
      return 0;
    case "refType":
      return readHeapType(reader);
    case "valTypes":
      return readSelectTypes(reader);
    case "labels":
      return readLabels(scan);
    default:
      return kind satisfies never;
  }
}

function readMemarg(scan: Scan): number {
  const flags = readU32(scan.reader);
  if (flags > 0x7f) throw new MalformedWasm(scan.start, "alignment out of range");
  scan.memory = flags & 0x40 ? readU32(scan.reader) : 0;
  scan.offset = readWideU32(scan.reader);
  return flags & 0x3f;
}

function readBlockType(reader: Reader): number {
  const start = reader.at;
  const type = readS33(reader);
  if (type >= 0) return type;
  if (reader.at !== start + 1) throw new MalformedWasm(start, "unknown block type");
  if (type !== emptyBlock - 0x80) {
    reader.at = start;
    readValType(reader);
  }
  return type;
}

function readHeapType(reader: Reader): number {
  const start = reader.at;
  if (readS33(reader) >= 0) throw unsupported(start, "typed references are");
  reader.at = start;
  return readRefType(reader);
}

function readSelectTypes(reader: Reader): number {
  const start = reader.at;
  if (readU32(reader) !== 1) throw new MalformedWasm(start, "select with other than one type");
  return readValType(reader);
}

function readLabels(scan: Scan): number {
  const count = readCount(scan.reader, 1);
  const labels: number[] = [];
  for (let index = 0; index <= count; index++) labels.push(readU32(scan.reader));
  scan.labels = labels;
  return count;
}

const exceptionCodes = new Set([0x06, 0x07, 0x08, 0x09, 0x0a, 0x18, 0x19, 0x1f]);
const typedReferenceCodes = new Set([0x14, 0x15, 0xd3, 0xd4, 0xd5, 0xd6]);

function refusedOpcode(scan: Scan): MalformedWasm {
  const { start, reader } = scan;
  const opcode = readByte(readerOf(reader.bytes, start));
  const hex = `0x${opcode.toString(16).padStart(2, "0")}`;
  if (exceptionCodes.has(opcode)) return unsupported(start, `exceptions (opcode ${hex}) are`);
  if (typedReferenceCodes.has(opcode)) return unsupported(start, `typed references (opcode ${hex}) are`);
  if (opcode === 0xfb) return unsupported(start, `garbage-collected types (opcode ${hex}) are`);
  if (opcode === 0xfe) return unsupported(start, `atomics (opcode ${hex}) are`);
  if (opcode !== 0xfc && opcode !== 0xfd) return new MalformedWasm(start, `unknown opcode ${hex}`);
  const sub = readU32(readerOf(reader.bytes, start + 1));
  if (opcode === 0xfd && sub >= 0x100 && sub <= 0x113)
    return unsupported(start, `relaxed SIMD (opcode ${hex} ${sub}) is`);
  return new MalformedWasm(start, `unknown opcode ${hex} ${sub}`);
}

const constantCodes: ReadonlySet<number> = new Set(
  (
    [
      "i32.const",
      "i64.const",
      "f32.const",
      "f64.const",
      "v128.const",
      "global.get",
      "ref.null",
      "ref.func",
    ] as const
  ).map((name) => opcodes[name][0]),
);
// "Extended constant expressions" of the specification's version 3; LLVM writes them for position-independent code.
const constantArithmetic: ReadonlySet<number> = new Set(
  (["i32.add", "i32.sub", "i32.mul", "i64.add", "i64.sub", "i64.mul"] as const).map(
    (name) => opcodes[name][0],
  ),
);
const endCode = opcodes.end[0];
/** Linkers write some ten bytes. V8 runs a constant expression for each instance, a megabyte of it for 10 ms. */
const longestConstant = 128;

/** A constant expression up to and with its `end`, as a view. */
export function readConstExpr(reader: Reader): Uint8Array {
  const start = reader.at;
  const scan = scanFrom(reader);
  while (nextInstruction(scan)) {
    if (scan.code === endCode) return reader.bytes.subarray(start, reader.at);
    if (!constantCodes.has(scan.code) && !constantArithmetic.has(scan.code)) {
      throw new MalformedWasm(scan.start, "an instruction that is not constant");
    }
    if (reader.at - start > longestConstant) {
      throw unsupported(start, `constant expressions of over ${longestConstant} bytes are`);
    }
  }
  throw new MalformedWasm(reader.at, "unexpected end");
}
