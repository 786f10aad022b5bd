// JavaScript values from and to Extism blocks. What returns a JSValue returns an exception when it failed.

import {
  readyAt,
  scratchAt,
  textBytes,
  textNoMemory,
  textsAt,
} from "../layout";
import { fetch, put, sizeOf } from "./blocks";
import {
  JS_FreeCString,
  JS_GetUint8Array,
  JS_NewStringLen,
  JS_NewUint8ArrayCopy,
  JS_ThrowOutOfMemory,
  JS_ThrowPlainError,
  JS_ToCStringLen2,
  JS_ToInt64,
  isDouble,
  isInt,
  isNull,
  isString,
  isUndefined,
  js_free,
  jsException,
  jsNull,
} from "./quickjs";

export function textAt(index: u32): u32 {
  return textsAt + index * textBytes;
}

export function textLength(at: u32): u32 {
  let size: u32 = 0;
  while (load<u8>(at + size) != 0) size++;
  return size;
}

export function throwText(ctx: u32, index: u32): u64 {
  return JS_ThrowPlainError(ctx, textAt(index), 0);
}

export function isReady(): bool {
  return load<u32>(readyAt) != 0;
}

/** What `putText` and `putBytes` answer when an exception is pending; no block has this offset. */
export const failed: u64 = u64.MAX_VALUE;

function kept(ctx: u32, block: u64, size: u32): u64 {
  if (block != 0 || size == 0) return block;
  throwText(ctx, textNoMemory);
  return failed;
}

/** A block with a value as text, 0 for an empty one. */
export function putText(ctx: u32, value: u64): u64 {
  const text = JS_ToCStringLen2(ctx, scratchAt, value, 0);
  if (text == 0) return failed;
  const size = load<u32>(scratchAt);
  const block = put(text, size);
  JS_FreeCString(ctx, text);
  return kept(ctx, block, size);
}

/** A block with the bytes of a Uint8Array, 0 for an empty one. */
export function putBytes(ctx: u32, value: u64): u64 {
  const bytes = JS_GetUint8Array(ctx, scratchAt, value);
  const size = load<u32>(scratchAt);
  if (bytes == 0 && size != 0) return failed;
  return kept(ctx, put(bytes, size), size);
}

/** What a host function gets for a value: a number as it is, text and bytes as a block, and 0 for undefined and null. */
export function putArgument(ctx: u32, value: u64): u64 {
  if (isInt(value) || isDouble(value)) return numberOf(ctx, value);
  if (isUndefined(value) || isNull(value)) return 0;
  return isString(value) ? putText(ctx, value) : putBytes(ctx, value);
}

/** A number of JavaScript as i64: an offset, a count. */
export function numberOf(ctx: u32, value: u64): u64 {
  if (isInt(value)) return u64(i64(i32(value)));
  JS_ToInt64(ctx, scratchAt, value);
  return load<u64>(scratchAt);
}

/** The text of a block; null for offset 0. */
export function takeText(ctx: u32, block: u64): u64 {
  if (block == 0) return jsNull;
  const size = sizeOf(block);
  const bytes = fetch(ctx, block, size);
  if (bytes == 0) return jsException;
  const value = JS_NewStringLen(ctx, bytes, size);
  js_free(ctx, bytes);
  return value;
}

/** The bytes of a block as a Uint8Array; null for offset 0. */
export function takeBytes(ctx: u32, block: u64): u64 {
  if (block == 0) return jsNull;
  const size = sizeOf(block);
  const bytes = fetch(ctx, block, size);
  if (bytes == 0) return jsException;
  const value = JS_NewUint8ArrayCopy(ctx, bytes, size);
  js_free(ctx, bytes);
  return value;
}

export function noMemory(ctx: u32): u64 {
  return JS_ThrowOutOfMemory(ctx);
}
