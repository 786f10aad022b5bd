import { GatewayError } from "#host/errors.ts";

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

/**
 * The same chunks. An upstream that answers with what it was asked, headers and all, is cut off before the
 * chunk that completes the key.
 * @throws {GatewayError} `upstream_invalid`
 */
export async function* withoutSecrets(
  chunks: AsyncIterable<Uint8Array>,
  secrets: readonly string[],
): AsyncGenerator<Uint8Array> {
  // Of each character six are needed at most: \u0041.
  const overlap = Math.max(0, ...secrets.map((secret) => secret.length * 6 - 1));
  let before = "";
  for await (const chunk of chunks) {
    // Keys are sent in a header, so they are of ASCII or Latin-1: a byte is a character.
    const text = before + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString("latin1");
    if (repeatsSecret(text, secrets)) {
      throw new GatewayError(
        "upstream_invalid",
        "The upstream's answer repeats the gateway's own credential.",
      );
    }
    if (overlap > 0) before = text.slice(-overlap);
    yield chunk;
  }
}
