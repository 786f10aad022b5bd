import { GatewayError } from "#host/errors.ts";
import { latin1Text, repeatsSecret } from "#host/repeats-secret.ts";

/** @throws {GatewayError} `upstream_invalid` when an answer repeats a secret */
export function requireNoSecrets(bytes: Uint8Array, secrets: readonly string[]): void {
  requireNone(latin1Text(bytes), secrets);
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
    const text = before + latin1Text(chunk);
    requireNone(text, secrets);
    if (overlap > 0) before = text.slice(-overlap);
    yield chunk;
  }
}

function requireNone(text: string, secrets: readonly string[]): void {
  if (!repeatsSecret(text, secrets)) return;
  throw new GatewayError("upstream_invalid", "The upstream's answer repeats the gateway's own credential.");
}
