// The globals of a plugin beside those of the language, for the type checker: what `runtime/globals.ts` and the engine give.

type Bytes = ArrayBufferLike | ArrayBufferView;

declare const console: Record<
  "trace" | "debug" | "log" | "info" | "warn" | "error",
  (...values: unknown[]) => void
>;

declare const performance: { readonly timeOrigin: number; now(): number };
declare const crypto: {
  getRandomValues<View extends ArrayBufferView>(view: View): View;
  randomUUID(): string;
  readonly subtle: {
    /** SHA-1, SHA-256, SHA-384 or SHA-512. */
    digest(algorithm: string | { name: string }, data: Bytes): Promise<ArrayBuffer>;
  };
};

declare function queueMicrotask(job: () => void): void;
declare function atob(base64: string): string;
declare function btoa(binary: string): string;
/** Nothing can be transferred. */
declare function structuredClone<Value>(value: Value, options?: { transfer?: unknown[] }): Value;

declare class DOMException extends Error {
  constructor(message?: string, name?: string);
  readonly code: number;
}

declare class TextEncoder {
  readonly encoding: "utf-8";
  encode(text?: string): Uint8Array<ArrayBuffer>;
  encodeInto(text: string, into: Uint8Array): { read: number; written: number };
}

declare class TextDecoder {
  readonly encoding: "utf-8";
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(source?: Bytes, options?: { stream?: boolean }): string;
}

/** Hosts are ASCII, or in their xn-- form. */
declare class URL {
  constructor(url: string | URL, base?: string | URL);
  static canParse(url: string | URL, base?: string | URL): boolean;
  static parse(url: string | URL, base?: string | URL): URL | null;
  href: string;
  readonly origin: string;
  protocol: string;
  username: string;
  password: string;
  host: string;
  hostname: string;
  port: string;
  pathname: string;
  search: string;
  readonly searchParams: URLSearchParams;
  hash: string;
  toString(): string;
  toJSON(): string;
}

declare class URLSearchParams implements Iterable<[name: string, value: string]> {
  constructor(init?: string | Iterable<Iterable<string>> | Readonly<Record<string, string>>);
  readonly size: number;
  append(name: string, value: string): void;
  delete(name: string, value?: string): void;
  get(name: string): string | null;
  getAll(name: string): string[];
  has(name: string, value?: string): boolean;
  set(name: string, value: string): void;
  sort(): void;
  forEach(call: (value: string, name: string, params: URLSearchParams) => void, self?: unknown): void;
  entries(): IterableIterator<[name: string, value: string]>;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
  [Symbol.iterator](): IterableIterator<[name: string, value: string]>;
  toString(): string;
}

declare class Headers implements Iterable<[name: string, value: string]> {
  constructor(init?: Iterable<Iterable<string>> | Readonly<Record<string, string>>);
  append(name: string, value: string): void;
  delete(name: string): void;
  get(name: string): string | null;
  getSetCookie(): string[];
  has(name: string): boolean;
  set(name: string, value: string): void;
  forEach(call: (value: string, name: string, headers: Headers) => void, self?: unknown): void;
  entries(): IterableIterator<[name: string, value: string]>;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
  [Symbol.iterator](): IterableIterator<[name: string, value: string]>;
}

// Of the Extism JS PDK.

type I32 = number;
type I64 = number | bigint;
type F32 = number;
type F64 = number;
/** The offset of a block. */
type PTR = number | bigint;

declare const Host: {
  inputString(): string;
  inputBytes(): ArrayBuffer;
  outputString(text: string): boolean;
  outputBytes(bytes: Bytes): boolean;
  /** To be read at the top level of a file. */
  getFunctions(): import("extism:host").user;
  arrayBufferToBase64(buffer: Bytes): string;
  base64ToArrayBuffer(base64: string): ArrayBuffer;
};

type HostFunctionsOf<Capabilities> = {
  [Name in { [C in keyof Capabilities]: keyof Capabilities[C] }[keyof Capabilities]]: (
    ...values: (number | bigint)[]
  ) => number;
};
type GatewayFunctions = HostFunctionsOf<typeof import("./abi/host-functions.ts").capabilityFunctions>;

declare module "extism:host" {
  interface user extends GatewayFunctions {}
}

declare const Config: { get(key: string): string | null };

declare const Var: {
  getBytes(name: string): ArrayBuffer | null;
  getString(name: string): string | null;
  set(name: string, value: string | Bytes | null): void;
};

interface HttpRequest {
  url: string;
  /** Default: GET. */
  method?: string;
  headers?: Record<string, string | number | boolean>;
}

interface HttpResponse {
  status: number;
  body: string;
  /** By lower-case name. */
  headers: Record<string, string>;
}

declare const Http: { request(request: HttpRequest, body?: string | Bytes): HttpResponse };

declare const Memory: {
  fromString(text: string): MemoryHandle;
  fromBuffer(bytes: Bytes): MemoryHandle;
  fromJsonObject(value: unknown): MemoryHandle;
  allocUInt32(value: number): MemoryHandle;
  allocUInt64(value: bigint): MemoryHandle;
  allocFloat32(value: number): MemoryHandle;
  allocFloat64(value: number): MemoryHandle;
  find(offset: PTR): MemoryHandle;
};

declare class MemoryHandle {
  constructor(offset: PTR, len: I64);
  readonly offset: number;
  readonly len: number;
  readString(): string;
  // biome-ignore lint/suspicious/noExplicitAny: as the Extism JS PDK has it
  readJsonObject<Value = any>(): Value;
  readBytes(): ArrayBuffer;
  readUInt32(): number;
  readUInt64(): bigint;
  readFloat32(): number;
  readUFloat64(): number;
  free(): void;
}

declare const process: { readonly env: { readonly NODE_ENV: "production" } };

/** Imported as it is. */
declare module "*.txt" {
  const text: string;
  export default text;
}
