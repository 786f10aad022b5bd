/** An argument or result of a host function. All are i64: the offset of an Extism block, or the number itself. */
export type ValueKind = "block" | "number";

/** A function that a plugin may import; at most four parameters. */
export type FunctionShape = { readonly params: readonly ValueKind[]; readonly result: ValueKind | null };

/**
 * The functions that a capability adds to the import namespace `extism:host/user`, beside what every
 * Extism module may import from `extism:host/env`. A block at offset 0 is empty as an argument and "nothing" as a
 * result. A manifest names the capability; where it takes a grant and the binding has none, the import is refused at load.
 */
export const capabilityFunctions = {
  /** Granted to authenticators (hooks that write `identify`). */
  consumers: {
    /** The consumer that a key belongs to. */
    consumers_find: { params: ["block"], result: "block" },
  },
  /** Beside `http_request`, `http_status_code` and `http_headers` of Extism. */
  http: {
    /**
     * Several requests at once: a list of `{"url", "method", "headers", "timeoutMs", "bodyBytes"}` as JSON, and their bodies one after
     * another. The answers: a list of `{"status", "headers", "bodyBytes"}` or `{"error": "refused" | "limit" | "timeout" | "failed"}`
     * as JSON, a line feed, and the bodies one after another.
     */
    http_request_all: { params: ["block", "block"], result: "block" },
  },
  /** Texts or bytes by key, kept until they are deleted or expire. */
  kv: {
    /** The value; nothing where there is none. */
    kv_get: { params: ["block"], result: "block" },
    /** Key, value of at least one byte, milliseconds to keep it; 0 is for ever. */
    kv_set: { params: ["block", "block", "number"], result: null },
    /** Also of a key that is not there. */
    kv_delete: { params: ["block"], result: null },
  },
  /** Whole numbers by key, changed atomically, kept until they expire. */
  counters: {
    /** 0 for one that does not exist. */
    counters_get: { params: ["block"], result: "number" },
    /** Key, what to add, milliseconds that a counter lives which this call creates; 0 is for ever. The new value. */
    counters_add: { params: ["block", "number", "number"], result: "number" },
    /**
     * Key, what to add (1 or more), the most that the new value may be, milliseconds that the counter lives from now on; 0 is for
     * ever. The new value, or -1 where it would be more: nothing has changed then. A counter below 0 counts as 0.
     */
    counters_take: { params: ["block", "number", "number", "number"], result: "number" },
  },
  /** As kv, but what is old may be dropped at any time, and nothing outlives the process. */
  cache: {
    /** The value; nothing where there is none. */
    cache_get: { params: ["block"], result: "block" },
    /** Key, value of at least one byte, milliseconds to keep it at most. */
    cache_set: { params: ["block", "block", "number"], result: null },
    /** Also of a key that is not there. */
    cache_delete: { params: ["block"], result: null },
  },
  /** Needs no grant. */
  metrics: {
    /** `{"type": "counter" | "gauge" | "histogram", "name", "value", "labels"}` as JSON. */
    metrics_record: { params: ["block"], result: null },
  },
  /** Needs no grant. Where a key is asked for, `{{secret:NAME}}` stands for a secret of `grants.secrets`. */
  crypto: {
    /** Algorithm (sha-1, sha-256, sha-384, sha-512), data, encoding (hex, base64, base64url). */
    crypto_hash: { params: ["block", "block", "block"], result: "block" },
    /** Algorithm, key, data, encoding. */
    crypto_hmac: { params: ["block", "block", "block", "block"], result: "block" },
    /** Algorithm (RFC 7518 3.1, and EdDSA), key (PEM, JWK, or the secret of HS256), signature (base64url), data. 1 when it holds. */
    crypto_verify: { params: ["block", "block", "block", "block"], result: "number" },
    /** 1 when both are equal, in a time that tells nothing of where they differ. */
    crypto_equal: { params: ["block", "block"], result: "number" },
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, FunctionShape>>>>;

/** `secrets` adds no function: a granted secret is named as `{{secret:NAME}}` in a header or as a key. */
export const capabilityNames = [
  "cache",
  "consumers",
  "counters",
  "crypto",
  "http",
  "kv",
  "metrics",
  "secrets",
] as const;
export type CapabilityName = (typeof capabilityNames)[number];
