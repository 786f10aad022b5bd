// UTF-8 as Unicode has it (table 3-7): no overlong form, no surrogate, nothing past U+10FFFF.

export function isUtf8(at: u32, size: u32): bool {
  const end = at + size;
  while (at < end) {
    if (load<u8>(at) < 0x80) {
      at++;
      continue;
    }
    const length = sequence(at, end);
    if (length <= 0) return false;
    at += length;
  }
  return true;
}

/** The length of the character at `at`; below 0, that of bytes that begin one, or are none, and do not go on as one. */
function sequence(at: u32, end: u32): i32 {
  const lead = load<u8>(at);
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return -1;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  let lowest: u32 = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  let highest: u32 = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  for (let index = 1; index < length; index++) {
    if (at + index >= end) return -index;
    const next = load<u8>(at + index);
    if (next < lowest || next > highest) return -index;
    lowest = 0x80;
    highest = 0xbf;
  }
  return length;
}

/** How much longer than any bytes what `repair` makes of them can be. */
export const repairedTimes: u32 = 3;

/** Copies with U+FFFD in place of what is not UTF-8, as WHATWG Encoding has it; the length of the copy. */
export function repair(at: u32, size: u32, to: u32): u32 {
  const end = at + size;
  const start = to;
  while (at < end) {
    const length = sequence(at, end);
    if (length > 0) {
      memory.copy(to, at, length);
      at += length;
      to += length;
    } else {
      store<u16>(to, 0xbfef);
      store<u8>(to + 2, 0xbd);
      at -= length;
      to += 3;
    }
  }
  return to - start;
}
