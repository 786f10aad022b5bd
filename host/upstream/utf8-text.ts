/** The text that bytes hold, U+FFFD in place of what is no UTF-8, without a copy of the bytes. */
export function utf8Text({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("utf8");
}
