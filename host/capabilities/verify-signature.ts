import {
  constants,
  createHmac,
  createPublicKey,
  type JsonWebKeyInput,
  type KeyObject,
  timingSafeEqual,
  verify,
} from "node:crypto";
import { cryptoLimits } from "#host/limits.ts";
import { Refused } from "./user-functions.ts";

/** RFC 7518 section 3.1 without `none`, and RFC 8037. Microseconds are what checking one takes at most. */
const algorithms = {
  HS256: { kind: "hmac", digest: "sha256", us: 5 },
  HS384: { kind: "hmac", digest: "sha384", us: 5 },
  HS512: { kind: "hmac", digest: "sha512", us: 5 },
  RS256: { kind: "rsa", digest: "sha256", us: 150 },
  RS384: { kind: "rsa", digest: "sha384", us: 150 },
  RS512: { kind: "rsa", digest: "sha512", us: 150 },
  PS256: { kind: "pss", digest: "sha256", us: 150 },
  PS384: { kind: "pss", digest: "sha384", us: 150 },
  PS512: { kind: "pss", digest: "sha512", us: 150 },
  ES256: { kind: "ecdsa", digest: "sha256", curve: "prime256v1", us: 150 },
  ES384: { kind: "ecdsa", digest: "sha384", curve: "secp384r1", us: 600 },
  ES512: { kind: "ecdsa", digest: "sha512", curve: "secp521r1", us: 1_300 },
  EdDSA: { kind: "eddsa", us: 200 },
} as const;

export type Algorithm = (typeof algorithms)[keyof typeof algorithms];

/** @throws Refused */
export function algorithmOf(name: string): Algorithm {
  if (Object.hasOwn(algorithms, name)) return algorithms[name as keyof typeof algorithms];
  throw new Refused(`no algorithm ${JSON.stringify(name)}; there are ${Object.keys(algorithms).join(", ")}`);
}

/** A key or a signature that is malformed or does not fit the algorithm: the signature does not hold. The message says why. */
export class Unfit extends Error {}

/**
 * Whether a signature, base64url, holds.
 * @throws Unfit
 */
export function holds(
  algorithm: Algorithm,
  {
    key,
    signature,
    data,
  }: { readonly key: Uint8Array; readonly signature: string; readonly data: Uint8Array },
): boolean {
  const given = decodeSignature(signature);
  switch (algorithm.kind) {
    case "hmac": {
      const made = createHmac(algorithm.digest, sharedKey(key)).update(data).digest();
      return made.length === given.length && timingSafeEqual(made, given);
    }
    case "rsa":
      return verify(algorithm.digest, data, rsaKey(key, ["rsa"]), given);
    case "pss": {
      const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
      return verify(algorithm.digest, data, { key: rsaKey(key, ["rsa", "rsa-pss"]), ...pss }, given);
    }
    case "ecdsa": {
      const parsed = publicKey(key, ["ec"]);
      const curve = parsed.asymmetricKeyDetails?.namedCurve;
      if (curve !== algorithm.curve)
        throw new Unfit(`the key is of the curve ${curve}, not ${algorithm.curve}`);
      return verify(algorithm.digest, data, { key: parsed, dsaEncoding: "ieee-p1363" }, given);
    }
    case "eddsa":
      return verify(null, data, publicKey(key, ["ed25519", "ed448"]), given);
    default:
      return algorithm satisfies never;
  }
}

/** One text for one signature: no padding, no other alphabet, no bits that are thrown away. */
function decodeSignature(text: string): Buffer {
  const bytes = Buffer.from(text, "base64url");
  if (text === "" || bytes.toString("base64url") !== text) throw new Unfit("the signature is not base64url");
  return bytes;
}

/**
 * The secret of an HMAC. A public key is none: whoever takes the algorithm from a token and the key from its issuer would accept
 * what anybody has signed with that key as the secret (RFC 8725 section 2.1).
 */
function sharedKey(key: Uint8Array): Uint8Array {
  if (key.length === 0) throw new Unfit("the key is empty");
  const text = Buffer.from(key).toString("latin1").trim();
  if (text.includes("-----BEGIN ")) throw new Unfit("the key is a PEM, which is no secret of an HMAC");
  const jwk = jwkOf(text);
  if (jwk === null) return key;
  const { kty, k } = jwk;
  if (kty !== "oct" || typeof k !== "string" || k === "") {
    throw new Unfit(`the key is a JWK of the type ${JSON.stringify(kty)}, an HMAC has "oct" with k`);
  }
  return Buffer.from(k, "base64url");
}

function rsaKey(key: Uint8Array, types: readonly string[]): KeyObject {
  const parsed = publicKey(key, types);
  const { modulusLength = 0, publicExponent = 0n } = parsed.asymmetricKeyDetails ?? {};
  const { rsaBitsLeast, rsaBits, rsaExponentBits } = cryptoLimits;
  if (modulusLength < rsaBitsLeast || modulusLength > rsaBits) {
    throw new Unfit(`the RSA key has ${modulusLength} bits; from ${rsaBitsLeast} to ${rsaBits} are accepted`);
  }
  if (publicExponent >= 1n << BigInt(rsaExponentBits)) {
    throw new Unfit(`the exponent of the RSA key has more than ${rsaExponentBits} bits`);
  }
  return parsed;
}

function publicKey(key: Uint8Array, types: readonly string[]): KeyObject {
  const parsed = parsePublicKey(Buffer.from(key).toString("utf8"));
  const { asymmetricKeyType: type = "of no known type" } = parsed;
  if (!types.includes(type)) throw new Unfit(`the key is ${type}, the algorithm needs ${types.join(" or ")}`);
  return parsed;
}

function parsePublicKey(text: string): KeyObject {
  try {
    const jwk = jwkOf(text.trim());
    return jwk === null ? createPublicKey(text) : createPublicKey({ key: jwk, format: "jwk" });
  } catch {
    // Node's message may quote what it was given, and that may be a secret.
    throw new Unfit("the key is neither a PEM nor a JWK of a public key");
  }
}

type Jwk = JsonWebKeyInput["key"];

/** Null for what is no JSON object. */
function jwkOf(text: string): Jwk | null {
  if (!text.startsWith("{")) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
