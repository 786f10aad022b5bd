// Blocks are how texts and bytes cross between a plugin and the host: an offset into memory of the host.

@external("extism:host/env", "alloc")
declare function allocate(bytes: u64): u64;
@external("extism:host/env", "length")
declare function lengthOf(block: u64): u64;
@external("extism:host/env", "load_u8")
declare function loadByte(at: u64): u32;
@external("extism:host/env", "load_u64")
declare function loadEight(at: u64): u64;
@external("extism:host/env", "store_u8")
declare function storeByte(at: u64, value: u32): void;
@external("extism:host/env", "store_u64")
declare function storeEight(at: u64, value: u64): void;

/** Where there is no block: empty as an argument, "nothing" as a result. */
export const none: u64 = 0;

export function blockOfBytes(bytes: Uint8Array): u64 {
  const length = bytes.length;
  if (length == 0) return none;
  const block = allocate(length);
  let at = 0;
  for (; at + 8 <= length; at += 8) storeEight(block + at, load<u64>(bytes.dataStart + at));
  for (; at < length; at++) storeByte(block + at, load<u8>(bytes.dataStart + at));
  return block;
}

export function blockOf(text: string): u64 {
  return blockOfBytes(Uint8Array.wrap(String.UTF8.encode(text)));
}

export function bytesOf(block: u64): Uint8Array {
  if (block == none) return new Uint8Array(0);
  const length = <i32>lengthOf(block);
  const bytes = new Uint8Array(length);
  let at = 0;
  for (; at + 8 <= length; at += 8) store<u64>(bytes.dataStart + at, loadEight(block + at));
  for (; at < length; at++) store<u8>(bytes.dataStart + at, loadByte(block + at));
  return bytes;
}

/** Null where the host answered nothing. */
export function textOf(block: u64): string | null {
  return block == none ? null : String.UTF8.decode(bytesOf(block).buffer);
}
