import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { cryptoLimits } from "#host/limits.ts";
import type { Capability, CapabilityScope, HostCall } from "./capability.ts";
import {
  answerBlock,
  Refused,
  readText,
  readWithin,
  userImportNames,
  userImports,
} from "./user-functions.ts";
import { algorithmOf, holds, Unfit } from "./verify-signature.ts";

const name = { limit: 32, what: "the name of the algorithm or encoding" };
const data = { limit: cryptoLimits.dataBytes, what: "the data" };
const key = { limit: cryptoLimits.keyBytes, what: "the key" };
const signature = { limit: cryptoLimits.signatureBytes, what: "the signature" };

/** What digests cost on a slow machine: without instructions for them a byte takes 3 ns. */
const usPerByte = 0.003;
const usPerDigest = 3;

const digests: Readonly<Record<string, string>> = {
  "sha-1": "sha1",
  "sha-256": "sha256",
  "sha-384": "sha384",
  "sha-512": "sha512",
};
const encodings = { hex: "hex", base64: "base64", base64url: "base64url" } as const;

/**
 * `crypto_hash`, `crypto_hmac`, `crypto_verify`, `crypto_equal`. An algorithm that does not exist ends the call with an error; a key
 * or a signature that is malformed or does not fit is one that does not hold, and a line in the plugin's log says why. As a key,
 * `{{secret:NAME}}` is one of the binding's `grants.secrets`; no result ever holds it. Limits: `cryptoLimits`.
 */
export function createCrypto(secrets: Readonly<Record<string, string>>): Capability {
  return {
    name: "crypto",
    imports: userImportNames("crypto"),
    needs: '"crypto" among the capabilities of its manifest',
    grant({ manifest, grants }) {
      if (!manifest.capabilities?.includes("crypto")) return null;
      const keyOf = keyReader(secrets, grants);
      return userImports("crypto", {
        crypto_hash(call, algorithmAt = 0n, dataAt = 0n, encodingAt = 0n) {
          const digest = pick(call, algorithmAt, digests);
          const encoding = pick(call, encodingAt, encodings);
          const bytes = readWithin(call, dataAt, data);
          if (!payDigest(call, bytes)) return 0n;
          return answerBlock(call, createHash(digest).update(bytes).digest(encoding));
        },
        crypto_hmac(call, algorithmAt = 0n, keyAt = 0n, dataAt = 0n, encodingAt = 0n) {
          const digest = pick(call, algorithmAt, digests);
          const encoding = pick(call, encodingAt, encodings);
          const secret = keyOf(call, keyAt);
          const bytes = readWithin(call, dataAt, data);
          if (!payDigest(call, bytes)) return 0n;
          return answerBlock(call, createHmac(digest, secret).update(bytes).digest(encoding));
        },
        crypto_verify(call, algorithmAt = 0n, keyAt = 0n, signatureAt = 0n, dataAt = 0n) {
          const algorithm = algorithmOf(readText(call, algorithmAt, name));
          const bytes = readWithin(call, dataAt, data);
          const given = readWithin(call, signatureAt, signature);
          const check = { key: keyOf(call, keyAt), signature: latin1(given), data: bytes };
          if (!payDigest(call, bytes) || !call.spend(algorithm.us)) return 0n;
          try {
            return BigInt(holds(algorithm, check));
          } catch (thrown) {
            const why = thrown instanceof Unfit ? thrown.message : "the key cannot be used";
            call.log("warn", `crypto_verify: ${why}`);
            return 0n;
          }
        },
        crypto_equal(call, leftAt = 0n, rightAt = 0n) {
          const [left, right] = [readWithin(call, leftAt, data), readWithin(call, rightAt, data)];
          if (!call.active) return 0n;
          return BigInt(left.length === right.length && timingSafeEqual(left, right));
        },
      });
    },
  };
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

/** @throws Refused */
function pick<Value>(call: HostCall, at: bigint, from: Readonly<Record<string, Value>>): Value {
  const wanted = readText(call, at, name);
  const found = Object.hasOwn(from, wanted) ? from[wanted] : undefined;
  if (found !== undefined) return found;
  throw new Refused(`no ${JSON.stringify(wanted)}; there are ${Object.keys(from).join(", ")}`);
}

function payDigest(call: HostCall, bytes: Uint8Array): boolean {
  return call.active && call.spend(usPerDigest + bytes.length * usPerByte);
}

/** Reads a key, and puts a granted secret in the place of its name. The answer throws Refused. */
function keyReader(secrets: Readonly<Record<string, string>>, grants: CapabilityScope["grants"]) {
  const granted = new Set(grants.secrets);
  return (call: HostCall, at: bigint): Uint8Array => {
    const bytes = readWithin(call, at, key);
    const wanted = /^\{\{secret:([^{}]*)\}\}$/.exec(latin1(bytes))?.[1];
    if (wanted === undefined) return bytes;
    const secret = granted.has(wanted) && Object.hasOwn(secrets, wanted) ? secrets[wanted] : undefined;
    if (secret === undefined) {
      throw new Refused(`the secret ${JSON.stringify(wanted)} is not in the binding's grants.secrets`);
    }
    return Buffer.from(secret);
  };
}
