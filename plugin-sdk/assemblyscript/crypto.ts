// Capability `crypto`. A key may be `secrets.reference(name)`; `encoding` is hex, base64 or base64url.

import { blockOf, textOf } from "./blocks";

@external("extism:host/user", "crypto_hash")
declare function cryptoHash(algorithm: u64, data: u64, encoding: u64): u64;
@external("extism:host/user", "crypto_hmac")
declare function cryptoHmac(algorithm: u64, key: u64, data: u64, encoding: u64): u64;
@external("extism:host/user", "crypto_verify")
declare function cryptoVerify(algorithm: u64, key: u64, signature: u64, data: u64): i64;
@external("extism:host/user", "crypto_equal")
declare function cryptoEqual(left: u64, right: u64): i64;

/** `algorithm`: sha-1, sha-256, sha-384 or sha-512. */
export function hash(algorithm: string, data: string, encoding: string = "hex"): string {
  return orEmpty(textOf(cryptoHash(blockOf(algorithm), blockOf(data), blockOf(encoding))));
}

export function hmac(algorithm: string, key: string, data: string, encoding: string = "hex"): string {
  return orEmpty(textOf(cryptoHmac(blockOf(algorithm), blockOf(key), blockOf(data), blockOf(encoding))));
}

/** `algorithm`: RFC 7518 section 3.1, and EdDSA. `key`: PEM, JWK, or the secret of HS256 and its like. */
export function verify(algorithm: string, key: string, signature: string, data: string): bool {
  return cryptoVerify(blockOf(algorithm), blockOf(key), blockOf(signature), blockOf(data)) == 1;
}

/** In a time that tells nothing of where they differ. */
export function equal(left: string, right: string): bool {
  return cryptoEqual(blockOf(left), blockOf(right)) == 1;
}

function orEmpty(text: string | null): string {
  return text === null ? "" : text;
}
