import type { CapabilityName } from "../abi/host-functions.ts";
import type { Host, Log } from "../host.ts";
import { MissingCapability } from "../missing-capability.ts";
import { text } from "./describe-error.ts";
import {
  log,
  takeClock,
  takeFunction,
  takeHttp,
  takeNumberFunction,
  takeRandomBytes,
  takeRandomNumber,
  uses,
} from "./native.ts";
import { takeRequestAll } from "./request-all.ts";
import { uuidOf } from "./uuid.ts";

/** The host as a plugin's handlers see it; `config` is filled in by the configure hook. */
export type LiveHost = { -readonly [K in keyof Host<unknown>]: Host<unknown>[K] };

/**
 * Only what a capability names, or the code uses, is taken from the engine, so that the module's imports show its
 * permissions.
 */
export function createHost(capabilities: readonly string[]): LiveHost {
  /** What `make` gives where the manifest names the capability; else an object of the same members that throw. */
  function only<Name extends CapabilityName>(
    name: Name,
    make: () => Host<unknown>[Name],
  ): Host<unknown>[Name] {
    return capabilities.includes(name) ? make() : missing(name);
  }
  return {
    config: {},
    log: createLog(),
    now: uses.includes("now") ? clock() : notLinked("now"),
    random: uses.includes("random") ? random() : missing("random"),
    consumers: only("consumers", consumers),
    http: only("http", http),
    kv: only("kv", kv),
    counters: only("counters", counters),
    cache: only("cache", cache),
    metrics: only("metrics", metrics),
    crypto: only("crypto", crypto),
    secrets: only("secrets", secrets),
  };
}

/** Whatever is read of it throws when it is called. */
function missing<Members extends object>(name: CapabilityName | "random"): Members {
  const refuse =
    name === "random"
      ? notLinked(name)
      : () => {
          throw new MissingCapability(name);
        };
  return new Proxy(Object.create(null), { get: () => refuse }) as Members;
}

/** The compiler gives a module what few need, as a source of time or chance, only where it reads the name in the code. */
function notLinked(path: string): () => never {
  return () => {
    const name = path.slice(path.lastIndexOf(".") + 1);
    throw new Error(
      `host.${path} is not in this module: the compiler has to see the name ${name} in the code`,
    );
  };
}

function createLog(): Log {
  const at =
    (level: number): Log["info"] =>
    (message, data) => {
      log(level, data === undefined ? text(message) : structured(message, data));
    };
  return { trace: at(0), debug: at(1), info: at(2), warn: at(3), error: at(4) };
}

/** Data that no JSON can hold must not fail the call for the sake of a line. */
function structured(message: string, data: object): string {
  try {
    return JSON.stringify({ message, data });
  } catch {
    return `${text(message)} ${text(data)}`;
  }
}

function clock(): () => number {
  takeClock();
  // Not by its bare name, which the bundler takes for a use of the clock.
  const { now } = globalThis.Date;
  return () => now();
}

function random(): Host<unknown>["random"] {
  const fill = takeRandomBytes();
  const bytes = (length: number) => {
    const made = new Uint8Array(length);
    fill(made);
    return made;
  };
  return { bytes, number: takeRandomNumber(), uuid: () => uuidOf(bytes(16)) };
}

function consumers(): Host<unknown>["consumers"] {
  const find = takeFunction("consumers_find");
  return { find: (key) => find(block(key)) };
}

function http(): Host<unknown>["http"] {
  const { send, status, headers } = takeHttp();
  return {
    request({ body, ...rest }) {
      const answer = send(JSON.stringify(rest), body === undefined ? null : block(body));
      return { status: status(), headers: JSON.parse(headers() ?? "{}"), body: answer ?? "" };
    },
    requestAll: uses.includes("requestAll") ? takeRequestAll() : notLinked("http.requestAll"),
  };
}

function kv(): Host<unknown>["kv"] {
  const { get, set, remove } = takeStore("kv");
  return {
    get,
    set: (key, value, { ttlMs = 0 } = {}) => set(key, value, milliseconds(ttlMs)),
    delete: remove,
  };
}

function cache(): Host<unknown>["cache"] {
  const { get, set, remove } = takeStore("cache");
  return { get, set: (key, value, { ttlMs }) => set(key, value, milliseconds(ttlMs)), delete: remove };
}

function takeStore(name: "cache" | "kv") {
  const get = takeFunction(`${name}_get`);
  const set = takeFunction(`${name}_set`);
  const remove = takeFunction(`${name}_delete`);
  return {
    get: (key: string) => get(block(key)),
    set(key: string, value: string | Uint8Array, ttlMs: number): void {
      const bytes = block(value);
      if (bytes.length === 0) throw new RangeError("a value has at least one byte; delete the key instead");
      set(block(key), bytes, ttlMs);
    },
    remove(key: string): void {
      remove(block(key));
    },
  };
}

function counters(): Host<unknown>["counters"] {
  const get = takeNumberFunction("counters_get");
  const add = takeNumberFunction("counters_add");
  const takeUpTo = takeNumberFunction("counters_take");
  return {
    get: (key) => get(block(key)),
    add: (key, by = 1, { ttlMs = 0 } = {}) => add(block(key), whole(by, "by"), milliseconds(ttlMs)),
    take(key, by, { most, ttlMs = 0 }) {
      const value = takeUpTo(block(key), whole(by, "by"), whole(most, "most"), milliseconds(ttlMs));
      return value < 0 ? null : value;
    },
  };
}

function metrics(): Host<unknown>["metrics"] {
  const record = takeFunction("metrics_record");
  const of =
    (type: string) =>
    (name: string, value = 1, labels = {}): void => {
      record(JSON.stringify({ type, name, value, labels }));
    };
  return { count: of("counter"), gauge: of("gauge"), observe: of("histogram") };
}

function crypto(): Host<unknown>["crypto"] {
  const hash = takeFunction("crypto_hash");
  const hmac = takeFunction("crypto_hmac");
  const verify = takeNumberFunction("crypto_verify");
  const equal = takeNumberFunction("crypto_equal");
  return {
    hash: (algorithm, data, encoding = "hex") => hash(algorithm, block(data), encoding) ?? "",
    hmac: (algorithm, key, data, encoding = "hex") =>
      hmac(algorithm, block(key), block(data), encoding) ?? "",
    verify: (algorithm, { key, signature, data }) =>
      verify(algorithm, block(key), block(signature), block(data)) === 1,
    equal: (left, right) => equal(block(left), block(right)) === 1,
  };
}

function secrets(): Host<unknown>["secrets"] {
  return { reference: (name) => `{{secret:${name}}}` };
}

/** What goes to the host as a block: a number would be taken for an offset. */
function block(value: string | Uint8Array): string | Uint8Array {
  return typeof value === "string" || value instanceof Uint8Array ? value : String(value);
}

function milliseconds(ttlMs: number): number {
  if (!(ttlMs >= 0)) throw new RangeError(`ttlMs is ${ttlMs}; it must be 0 or more`);
  // Longer is for ever: the host counts in 64 bits.
  return Math.min(Math.ceil(ttlMs), Number.MAX_SAFE_INTEGER);
}

function whole(value: number, name: string): number {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${name} is ${value}; it must be a whole number`);
  return value;
}
