import type { Json } from "./abi/from-schema.ts";

/** A line in the gateway's log. `data` makes it a structured one. */
type LogLine = (message: string, data?: { readonly [name: string]: Json }) => void;

export type Log = {
  readonly trace: LogLine;
  readonly debug: LogLine;
  readonly info: LogLine;
  readonly warn: LogLine;
  readonly error: LogLine;
};

export type HttpRequest = {
  readonly url: string;
  /** Default: GET. */
  readonly method?: string;
  readonly headers?: { readonly [name: string]: string };
  readonly body?: string | Uint8Array;
  /** When it counts as failed; default, and most: 10,000. The time of the call ends it too. */
  readonly timeoutMs?: number;
};

export type HttpResponse = {
  /** 0 when the request was refused or failed; the log says why. */
  readonly status: number;
  /** By lower-case name. */
  readonly headers: { readonly [name: string]: string };
  readonly body: string;
};

/** One of several answers. `error` is there where `status` is 0: not allowed, over a limit, no answer in time, or a network that fails. */
export type HttpResult = HttpResponse & { readonly error?: "refused" | "limit" | "timeout" | "failed" };

export type HashAlgorithm = "sha-1" | "sha-256" | "sha-384" | "sha-512";
/** Of a digest as text; default: hex. */
export type Encoding = "hex" | "base64" | "base64url";
/** RFC 7518 section 3.1, and RFC 8037. */
export type SignatureAlgorithm =
  | "HS256"
  | "HS384"
  | "HS512"
  | "RS256"
  | "RS384"
  | "RS512"
  | "PS256"
  | "PS384"
  | "PS512"
  | "ES256"
  | "ES384"
  | "ES512"
  | "EdDSA";

type Bytes = string | Uint8Array;
type Labels = { readonly [name: string]: string };

/**
 * What a plugin may ask of the gateway. All calls return when they are done; while one waits for the network or the store,
 * other requests go on. A function whose capability the manifest does not name throws `MissingCapability`.
 */
export type Host<Config> = {
  /** Of the binding, with the schema's defaults filled in. */
  readonly config: Config;
  readonly log: Log;
  /** Milliseconds since 1970. The time stands still during a call. */
  now(): number;
  readonly random: {
    bytes(length: number): Uint8Array<ArrayBuffer>;
    /** From 0 to 1, without 1. */
    number(): number;
    /** RFC 9562, version 4. */
    uuid(): string;
  };
  /** Capability `consumers`. */
  readonly consumers: {
    /** The consumer that a key belongs to. */
    find(key: string): string | null;
  };
  /** Capability `http`: to the hosts that the binding's grant lists. */
  readonly http: {
    request(request: HttpRequest): HttpResponse;
    /** All at once, and back when the last has ended: the answers in the same order. */
    requestAll(requests: readonly HttpRequest[]): readonly HttpResult[];
  };
  /** Capability `kv`: texts by key, of this binding alone, kept until they are deleted or expire. */
  readonly kv: {
    get(key: string): string | null;
    /** `value` has at least one byte. Without `ttlMs` it does not expire. */
    set(key: string, value: Bytes, options?: { readonly ttlMs?: number }): void;
    delete(key: string): void;
  };
  /** Capability `counters`: whole numbers by key, of this binding alone. Two calls at once never lose a count. */
  readonly counters: {
    /** 0 for one that does not exist. */
    get(key: string): number;
    /** The new value. `ttlMs` is for a counter that this call creates: it is gone so long after. Default of `by`: 1. */
    add(key: string, by?: number, options?: { readonly ttlMs?: number }): number;
    /**
     * Adds `by`, 1 or more, if the new value is at most `most`, and answers it; else null, and nothing has changed. `ttlMs` is from now
     * on. A counter below 0 counts as 0.
     */
    take(key: string, by: number, bounds: { readonly most: number; readonly ttlMs?: number }): number | null;
  };
  /** Capability `cache`: as `kv`, but what is old may be gone at any time. */
  readonly cache: {
    get(key: string): string | null;
    set(key: string, value: Bytes, options: { readonly ttlMs: number }): void;
    delete(key: string): void;
  };
  /** Capability `metrics`: series on the gateway's `/metrics`, named `sandgate_plugin_NAME`. */
  readonly metrics: {
    /** Adds to a counter; default of `by`: 1. */
    count(name: string, by?: number, labels?: Labels): void;
    gauge(name: string, value: number, labels?: Labels): void;
    /** One value of a histogram. */
    observe(name: string, value: number, labels?: Labels): void;
  };
  /** Capability `crypto`: quicker than the same in the plugin. A key may be `host.secrets.reference(name)`. */
  readonly crypto: {
    hash(algorithm: HashAlgorithm, data: Bytes, encoding?: Encoding): string;
    hmac(algorithm: HashAlgorithm, key: Bytes, data: Bytes, encoding?: Encoding): string;
    /** `key`: PEM, JWK as text, or the secret of HS256 and its like. `signature`: base64url. */
    verify(
      algorithm: SignatureAlgorithm,
      check: { readonly key: Bytes; readonly signature: string; readonly data: Bytes },
    ): boolean;
    /** In a time that tells nothing of where they differ. */
    equal(left: Bytes, right: Bytes): boolean;
  };
  /** Capability `secrets`. A plugin never holds a secret itself. */
  readonly secrets: {
    /** What stands for the secret in a header of `http.request` or as a key of `crypto`. */
    reference(name: string): string;
  };
};
