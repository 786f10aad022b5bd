/** Whether text says a secret, as it is or escaped in JSON. */
export function repeatsSecret(text: string, secrets: readonly string[]): boolean {
  if (secrets.length === 0) return false;
  // Most JSON escapes only line ends and quotes, which no key has.
  const texts = /\\[u/]/.test(text) ? [text, unescaped(text)] : [text];
  return secrets.some((secret) => texts.some((spelling) => spelling.includes(secret)));
}

/** JSON may escape every character (RFC 8259 7); PHP does so with `/`, which base64 keys have. */
function unescaped(text: string): string {
  return text.replace(/\\(?:u([0-9A-Fa-f]{4})|\/)/g, (_, hex: string | undefined) =>
    hex === undefined ? "/" : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** Bytes as text to look for secrets in: those travel in headers and are of ASCII or Latin-1, so a byte is a character. */
export function latin1Text({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
}
