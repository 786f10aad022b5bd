import { sha1 } from "@noble/hashes/legacy.js";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import { bytesOf } from "./text-encoding.ts";

const algorithms: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  "SHA-1": sha1,
  "SHA-256": sha256,
  "SHA-384": sha384,
  "SHA-512": sha512,
};

/** Of Web Crypto's `crypto.subtle` the digests. Long data is cheaper by `host.crypto`, which the host computes. */
export const subtle = {
  async digest(
    algorithm: string | { name: string },
    data: ArrayBufferLike | ArrayBufferView,
  ): Promise<ArrayBuffer> {
    const name = String(typeof algorithm === "object" ? algorithm.name : algorithm).toUpperCase();
    const digest = algorithms[name];
    if (digest === undefined) {
      const known = Object.keys(algorithms).join(", ");
      throw new DOMException(`crypto.subtle.digest: only ${known}, not ${name}`, "NotSupportedError");
    }
    return digest(bytesOf(data)).buffer as ArrayBuffer;
  },
};
