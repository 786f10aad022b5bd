import { GatewayError } from "#host/errors.ts";
import { repeatsSecret } from "#host/repeats-secret.ts";

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
