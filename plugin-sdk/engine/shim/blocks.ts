// Bytes between the engine's memory and the blocks of the Extism kernel, eight at a time.

import {
  alloc,
  input_length,
  input_load_u64,
  input_load_u8,
  length,
  load_u64,
  load_u8,
  store_u64,
  store_u8,
} from "./host";
import { js_malloc } from "./quickjs";

/** A new block with these bytes; 0 when there are none or the kernel has no room. */
export function put(from: u32, size: u32): u64 {
  const block = alloc(size);
  if (block == 0) return 0;
  const whole = size & ~7;
  let at: u32 = 0;
  for (; at < whole; at += 8) store_u64(block + at, load<u64>(from + at));
  for (; at < size; at++) store_u8(block + at, load<u8>(from + at));
  return block;
}

/** Copies a block into memory of js_malloc and puts a NUL behind it; 0 when there is no memory. */
export function fetch(ctx: u32, block: u64, size: u32): u32 {
  const to = js_malloc(ctx, size + 1);
  if (to == 0) return 0;
  const whole = size & ~7;
  let at: u32 = 0;
  for (; at < whole; at += 8) store<u64>(to + at, load_u64(block + at));
  for (; at < size; at++) store<u8>(to + at, load_u8(block + at));
  store<u8>(to + size, 0);
  return to;
}

/** As `fetch`, of the call's input. */
export function fetchInput(ctx: u32, size: u32): u32 {
  const to = js_malloc(ctx, size + 1);
  if (to == 0) return 0;
  const whole = size & ~7;
  let at: u32 = 0;
  for (; at < whole; at += 8) store<u64>(to + at, input_load_u64(at));
  for (; at < size; at++) store<u8>(to + at, input_load_u8(at));
  store<u8>(to + size, 0);
  return to;
}

export function sizeOf(block: u64): u32 {
  return block == 0 ? 0 : u32(length(block));
}

export function inputSize(): u32 {
  return u32(input_length());
}
