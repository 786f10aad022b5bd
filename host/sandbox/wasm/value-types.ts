import { MalformedWasm, unsupported } from "./malformed.ts";
import type { ValType } from "./module.ts";
import { type Reader, readByte } from "./reader.ts";

export const i32: ValType = 0x7f;
export const i64: ValType = 0x7e;
export const f32: ValType = 0x7d;
export const f64: ValType = 0x7c;
export const v128: ValType = 0x7b;
export const funcref: ValType = 0x70;
export const externref: ValType = 0x6f;

const names = new Map([
  [i32, "i32"],
  [i64, "i64"],
  [f32, "f32"],
  [f64, "f64"],
  [v128, "v128"],
  [funcref, "funcref"],
  [externref, "externref"],
]);

export function valTypeName(type: ValType): string {
  return names.get(type) ?? `0x${type.toString(16)}`;
}

/** A value type of the allow-list. */
export function readValType(reader: Reader): ValType {
  const start = reader.at;
  const type = readByte(reader);
  if (!names.has(type)) throw refusedType(start, type);
  return type;
}

/** A reference type of the allow-list: funcref or externref. */
export function readRefType(reader: Reader): ValType {
  const start = reader.at;
  const type = readByte(reader);
  if (type !== funcref && type !== externref) throw refusedType(start, type);
  return type;
}

/** The error for a type byte outside the allow-list. */
export function refusedType(offset: number, type: number): MalformedWasm {
  if (type === 0x69 || type === 0x74) return unsupported(offset, "exception references are");
  if (type === 0x63 || type === 0x64) return unsupported(offset, "typed references are");
  if (type >= 0x65 && type <= 0x78)
    return unsupported(offset, `garbage-collected types (0x${type.toString(16)}) are`);
  return new MalformedWasm(offset, `unknown type 0x${type.toString(16)}`);
}
