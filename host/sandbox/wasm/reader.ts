import { MalformedWasm } from "./malformed.ts";

/** A place in bytes. `end` is exclusive; no function here reads at or past it. */
export type Reader = { readonly bytes: Uint8Array; at: number; end: number };

export function readerOf(bytes: Uint8Array, at = 0, end = bytes.length): Reader {
  return { bytes, at, end };
}

export function readByte(reader: Reader): number {
  const at = reader.at;
  if (at >= reader.end) throw new MalformedWasm(at, "unexpected end");
  reader.at = at + 1;
  return reader.bytes[at] as number;
}

/** An unsigned LEB128 of at most 32 bits. */
export function readU32(reader: Reader): number {
  const start = reader.at;
  const first = readByte(reader);
  if (first < 0x80) return first;
  let value = first & 0x7f;
  for (let shift = 7; shift < 28; shift += 7) {
    const byte = readByte(reader);
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  const last = readByte(reader);
  if (last > 0x0f) throw new MalformedWasm(start, "integer out of range");
  return (value | (last << 28)) >>> 0;
}

/** An unsigned LEB128 of at most 64 bits that holds a number of 32, the form of a memory offset. */
export function readWideU32(reader: Reader): number {
  const start = reader.at;
  let value = 0;
  for (let scale = 1, bytes = 0; bytes < 10; scale *= 0x80, bytes++) {
    const byte = readByte(reader);
    value += (byte & 0x7f) * scale;
    if (value > 0xffff_ffff) break;
    if (byte < 0x80) return value;
  }
  throw new MalformedWasm(start, "integer out of range");
}

/** A signed LEB128 of at most 32 bits. */
export function readS32(reader: Reader): number {
  const start = reader.at;
  let value = 0;
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = readByte(reader);
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return (value << (25 - shift)) >> (25 - shift);
  }
  const last = readByte(reader);
  const sign = last & 0x78;
  if (last >= 0x80 || (sign !== 0 && sign !== 0x78)) throw new MalformedWasm(start, "integer out of range");
  return value | (last << 28);
}

/** A signed LEB128 of at most 33 bits, the form of a block type. */
export function readS33(reader: Reader): number {
  const start = reader.at;
  let value = 0;
  for (let scale = 1, bytes = 0; bytes < 4; scale *= 0x80, bytes++) {
    const byte = readByte(reader);
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return byte & 0x40 ? value - scale * 0x80 : value;
  }
  const last = readByte(reader);
  const sign = last & 0x70;
  if (last >= 0x80 || (sign !== 0 && sign !== 0x70)) throw new MalformedWasm(start, "integer out of range");
  return value + (last & 0x0f) * 2 ** 28 - (sign === 0 ? 0 : 2 ** 32);
}

/** Steps over a signed LEB128 of at most 64 bits. */
export function skipS64(reader: Reader): void {
  const start = reader.at;
  for (let bytes = 0; bytes < 9; bytes++) if (readByte(reader) < 0x80) return;
  const last = readByte(reader);
  if (last !== 0 && last !== 0x7f) throw new MalformedWasm(start, "integer out of range");
}

/** A view of the next `length` bytes, not a copy. */
export function readBytes(reader: Reader, length: number): Uint8Array {
  const start = reader.at;
  if (length > reader.end - start) throw new MalformedWasm(start, "unexpected end");
  reader.at = start + length;
  return reader.bytes.subarray(start, start + length);
}

/** The length of a vector whose members take `smallest` bytes at least, so that no count outgrows the file. */
export function readCount(reader: Reader, smallest: number): number {
  const start = reader.at;
  const count = readU32(reader);
  if (count > (reader.end - reader.at) / smallest) {
    throw new MalformedWasm(start, `a count of ${count} does not fit into what follows`);
  }
  return count;
}

/** The values of a vector, each from `read`; `hear` gets their number first and may throw to stop there. */
export function readVector<T>(
  reader: Reader,
  smallest: number,
  read: (reader: Reader) => T,
  hear?: (count: number) => void,
): T[] {
  const count = readCount(reader, smallest);
  hear?.(count);
  const values: T[] = [];
  for (let index = 0; index < count; index++) values.push(read(reader));
  return values;
}

// A byte order mark is part of a name: without `ignoreBOM` two names could become one.
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function readName(reader: Reader): string {
  const start = reader.at;
  const bytes = readBytes(reader, readU32(reader));
  try {
    return utf8.decode(bytes);
  } catch {
    throw new MalformedWasm(start, "a name that is not UTF-8");
  }
}
