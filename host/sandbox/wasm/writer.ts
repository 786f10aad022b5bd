/** Bytes under construction; only the first `length` count. */
export type Writer = { bytes: Uint8Array; length: number };

export function createWriter(capacity = 64): Writer {
  return { bytes: new Uint8Array(capacity), length: 0 };
}

/** What was written so far, as a view that later writes leave alone. */
export function written(writer: Writer): Uint8Array {
  return writer.bytes.subarray(0, writer.length);
}

export function writeByte(writer: Writer, byte: number): void {
  if (writer.length === writer.bytes.length) reserve(writer, 1);
  writer.bytes[writer.length++] = byte;
}

export function writeBytes(writer: Writer, bytes: Uint8Array): void {
  writePiece(writer, bytes, { from: 0, to: bytes.length });
}

/** Copying a view costs more than so many bytes one by one. Most pieces of code are shorter. */
const shortPiece = 48;

/** What `bytes` has from one offset to another. */
export function writePiece(
  writer: Writer,
  bytes: Uint8Array,
  { from, to }: { readonly from: number; readonly to: number },
): void {
  reserve(writer, to - from);
  if (to - from > shortPiece) {
    writer.bytes.set(bytes.subarray(from, to), writer.length);
    writer.length += to - from;
    return;
  }
  for (let at = from; at < to; at++) writer.bytes[writer.length++] = bytes[at] as number;
}

/** Unsigned LEB128 of an integer from 0 to 2^32 - 1. */
export function writeU32(writer: Writer, value: number): void {
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) writeByte(writer, (rest & 0x7f) | 0x80);
  writeByte(writer, rest);
}

/** Signed LEB128 of an integer from -2^31 to 2^31 - 1. */
export function writeS32(writer: Writer, value: number): void {
  let rest = value | 0;
  for (; rest < -64 || rest > 63; rest >>= 7) writeByte(writer, (rest & 0x7f) | 0x80);
  writeByte(writer, rest & 0x7f);
}

/** Signed LEB128 of an integer from -2^63 to 2^63 - 1. */
export function writeS64(writer: Writer, value: bigint): void {
  let rest = BigInt.asIntN(64, value);
  for (; rest < -64n || rest > 63n; rest >>= 7n) writeByte(writer, Number(rest & 0x7fn) | 0x80);
  writeByte(writer, Number(rest & 0x7fn));
}

/** Signed LEB128 of an integer that a double holds, as a block type needs it (33 bits). */
export function writeS33(writer: Writer, value: number): void {
  writeS64(writer, BigInt(value));
}

const utf8 = new TextEncoder();

export function writeName(writer: Writer, name: string): void {
  const bytes = utf8.encode(name);
  writeU32(writer, bytes.length);
  writeBytes(writer, bytes);
}

export function writeVector<T>(
  writer: Writer,
  values: readonly T[],
  write: (writer: Writer, value: T) => void,
): void {
  writeU32(writer, values.length);
  for (const value of values) write(writer, value);
}

function reserve(writer: Writer, more: number): void {
  const needed = writer.length + more;
  if (needed <= writer.bytes.length) return;
  const grown = new Uint8Array(Math.max(needed, writer.bytes.length * 2));
  grown.set(written(writer));
  writer.bytes = grown;
}
