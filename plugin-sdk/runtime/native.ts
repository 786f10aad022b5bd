import {
  opBlockBytes,
  opBlockLength,
  opBlockOf,
  opClock,
  opConfigGet,
  opDecodeUtf8,
  opEncodeUtf8,
  opFinish,
  opFirstFunction,
  opFirstNumber,
  opHttpHeaders,
  opHttpRequest,
  opHttpStatus,
  opInputBytes,
  opInputJson,
  opInputText,
  opIsUtf8,
  opLog,
  opOutputBytes,
  opOutputJson,
  opOutputText,
  opRandomBytes,
  opRandomNumber,
  opVarGet,
  opVarSet,
} from "../engine/layout.ts";
import { functionNames } from "./function-names.ts";

/**
 * What the engine gives a bundle while it starts; gone when it has started. Taking an operation is what makes
 * the module import the host functions behind it, so each is taken by itself and dropped where nobody uses it.
 */
declare const __sandgate: {
  (operation: number): (...args: unknown[]) => unknown;
  /** Of `writePositions`. */
  readonly positions: string;
  /** What the code names of `hostUses`: `now`, `random`, `requestAll`. */
  readonly uses: string;
};

const take = <Operation>(operation: number) => __sandgate(operation) as Operation;

export const positionsText = /* @__PURE__ */ (() => __sandgate.positions)();

export const uses: string = /* @__PURE__ */ (() => __sandgate.uses)();

export const finish =
  /* @__PURE__ */ take<(exports: unknown[], format: (reason: unknown) => string, about: string) => void>(
    opFinish,
  );

/** Levels from 0, trace, to 4, error. */
export const log = /* @__PURE__ */ take<(level: number, text: string) => void>(opLog);

export const inputText = /* @__PURE__ */ take<() => string>(opInputText);
export const inputBytes = /* @__PURE__ */ take<() => Uint8Array<ArrayBuffer>>(opInputBytes);
/** Throws SyntaxError. */
export const inputJson = /* @__PURE__ */ take<() => unknown>(opInputJson);
export const outputText = /* @__PURE__ */ take<(text: string) => void>(opOutputText);
export const outputBytes = /* @__PURE__ */ take<(bytes: Uint8Array) => void>(opOutputBytes);
export const outputJson = /* @__PURE__ */ take<(value: unknown) => void>(opOutputJson);

export const configGet = /* @__PURE__ */ take<(key: string) => string | null>(opConfigGet);
export const varGet = /* @__PURE__ */ take<(name: string) => Uint8Array<ArrayBuffer> | null>(opVarGet);
/** null deletes. */
export const varSet = /* @__PURE__ */ take<(name: string, value: Uint8Array | null) => void>(opVarSet);

/** What a host function takes; null is an empty block. */
export type HostArgument = string | number | Uint8Array | null | undefined;

export type NativeHttp = {
  /** The request as JSON of extism-manifest's HttpRequest; null when it was refused, failed or answered nothing. */
  readonly send: (request: string, body?: HostArgument) => string | null;
  /** Of the last request. */
  readonly status: () => number;
  /** Of the last request, as JSON. */
  readonly headers: () => string | null;
};

export const takeHttp = (): NativeHttp => ({
  send: take(opHttpRequest),
  status: take(opHttpStatus),
  headers: take(opHttpHeaders),
});

export const encodeUtf8 = /* @__PURE__ */ take<(text: string) => Uint8Array<ArrayBuffer>>(opEncodeUtf8);
export const decodeUtf8 = /* @__PURE__ */ take<(bytes: Uint8Array) => string>(opDecodeUtf8);
export const isUtf8 = /* @__PURE__ */ take<(bytes: Uint8Array) => boolean>(opIsUtf8);

export const takeRandomBytes = () => take<(into: Uint8Array) => void>(opRandomBytes);
export const takeRandomNumber = () => take<() => number>(opRandomNumber);
export const randomBytes = /* @__PURE__ */ takeRandomBytes();
export const randomNumber = /* @__PURE__ */ takeRandomNumber();
/** From here on `Date` and `performance` tell the host's time. */
export const takeClock = () => void take(opClock);

/** A function of `extism:host/user` that answers a text, or nothing. */
export function takeFunction(name: string): (...values: HostArgument[]) => string | null {
  return take(opFirstFunction + functionNames.indexOf(name));
}

/** A function of `extism:host/user` that answers a number, or the offset of a block. */
export function takeNumberFunction(name: string): (...values: HostArgument[]) => number {
  return take(opFirstNumber + functionNames.indexOf(name));
}

/** A text or bytes in a block of their own: its offset, 0 for nothing. */
export const blockOf = /* @__PURE__ */ take<(value: string | Uint8Array) => number>(opBlockOf);
export const takeBlockBytes = () => take<(offset: number) => Uint8Array<ArrayBuffer> | null>(opBlockBytes);
/** Null at offset 0. */
export const blockBytes = /* @__PURE__ */ takeBlockBytes();
export const blockLength = /* @__PURE__ */ take<(offset: number) => number>(opBlockLength);
