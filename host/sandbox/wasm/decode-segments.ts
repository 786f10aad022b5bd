import { readConstExpr } from "./instructions.ts";
import { MalformedWasm } from "./malformed.ts";
import type { DataSegment, ElementSegment, FunctionBody, SegmentMode, ValType } from "./module.ts";
import { type Reader, readByte, readBytes, readerOf, readU32, readVector } from "./reader.ts";
import { funcref, readRefType, readValType } from "./value-types.ts";

/** Bits of an element segment's flags. */
const notActive = 0x01;
const explicitIndexOrDeclared = 0x02;
const byExpression = 0x04;

/** Reads one element segment in any of its eight encodings; `hear` gets the number of its members first. */
export function elementReader(hear: (items: number) => void): (reader: Reader) => ElementSegment {
  return (reader) => decodeElement(reader, hear);
}

function decodeElement(reader: Reader, hear: (items: number) => void): ElementSegment {
  const start = reader.at;
  const flags = readU32(reader);
  if (flags > 7) throw new MalformedWasm(start, `unknown element segment kind ${flags}`);
  const segment = readElementMode(reader, flags);
  const typed = (flags & (notActive | explicitIndexOrDeclared)) !== 0;
  if (flags & byExpression) {
    const type = typed ? readRefType(reader) : funcref;
    return { segment, type, items: { expressions: readVector(reader, 2, readConstExpr, hear) } };
  }
  if (typed) readElementKind(reader);
  return { segment, type: funcref, items: { functions: readVector(reader, 1, readU32, hear) } };
}

function readElementMode(reader: Reader, flags: number): SegmentMode {
  if (flags & notActive) return { mode: flags & explicitIndexOrDeclared ? "declared" : "passive" };
  const index = flags & explicitIndexOrDeclared ? readU32(reader) : 0;
  return { mode: "active", index, offset: readConstExpr(reader) };
}

function readElementKind(reader: Reader): void {
  const start = reader.at;
  const kind = readByte(reader);
  if (kind !== 0) throw new MalformedWasm(start, `unknown element kind ${kind}`);
}

/** One data segment; its bytes are a view. */
export function decodeData(reader: Reader): DataSegment {
  const start = reader.at;
  const flags = readU32(reader);
  if (flags > 2) throw new MalformedWasm(start, `unknown data segment kind ${flags}`);
  const segment: SegmentMode =
    flags === 1
      ? { mode: "passive" }
      : { mode: "active", index: flags === 2 ? readU32(reader) : 0, offset: readConstExpr(reader) };
  return { segment, bytes: readBytes(reader, readU32(reader)) };
}

/** Reads one entry of the code section; the body is a view. `hear` gets the number of its runs of locals first. */
export function codeReader(hear: (runs: number) => void): (reader: Reader) => FunctionBody {
  return (reader) => decodeCode(reader, hear);
}

function decodeCode(reader: Reader, hear: (runs: number) => void): FunctionBody {
  const start = reader.at;
  const length = readU32(reader);
  if (length > reader.end - reader.at) throw new MalformedWasm(start, "a function longer than its section");
  const entry = readerOf(reader.bytes, reader.at, reader.at + length);
  reader.at = entry.end;
  let total = 0;
  const readRun = (from: Reader) => {
    const at = from.at;
    const run = readLocals(from);
    total += run.count;
    if (total > 0xffff_ffff) throw new MalformedWasm(at, "too many locals");
    return run;
  };
  const locals = readVector(entry, 2, readRun, hear);
  return { locals, body: readBytes(entry, entry.end - entry.at) };
}

function readLocals(reader: Reader): { count: number; type: ValType } {
  const count = readU32(reader);
  return { count, type: readValType(reader) };
}
