/** Whether bytes are UTF-8: no overlong form, no surrogate, nothing past U+10FFFF (Unicode, table 3-7). */
export function isUtf8(at: u32, size: u32): bool {
  const end = at + size;
  while (at < end) {
    const lead = load<u8>(at++);
    if (lead < 0x80) continue;
    if (lead < 0xc2 || lead > 0xf4) return false;
    const more: u32 = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    if (end - at < more) return false;
    const next = load<u8>(at);
    if ((next & 0xc0) != 0x80) return false;
    if (lead == 0xe0 && next < 0xa0) return false;
    if (lead == 0xed && next > 0x9f) return false;
    if (lead == 0xf0 && next < 0x90) return false;
    if (lead == 0xf4 && next > 0x8f) return false;
    for (let index: u32 = 1; index < more; index++) {
      if ((load<u8>(at + index) & 0xc0) != 0x80) return false;
    }
    at += more;
  }
  return true;
}
