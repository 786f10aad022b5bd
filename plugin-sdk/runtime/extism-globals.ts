import { functionNames } from "./function-names.ts";
import {
  configGet,
  encodeUtf8,
  inputBytes,
  inputText,
  outputBytes,
  outputText,
  takeHttp,
  takeNumberFunction,
  varGet,
  varSet,
} from "./native.ts";
import { bytesOf, TextDecoderGlobal } from "./text-encoding.ts";

type Bytes = ArrayBufferLike | ArrayBufferView;

/** The globals of the Extism JS PDK, so that its plugins compile as they are. Names and shapes: @extism/js-pdk. */
export const Host = {
  inputString: () => inputText(),
  inputBytes: () => inputBytes().buffer,
  outputString(text: string): true {
    outputText(String(text).toWellFormed());
    return true;
  },
  outputBytes(bytes: Bytes): true {
    outputBytes(bytesOf(bytes));
    return true;
  },
  getFunctions: () => functions,
  arrayBufferToBase64: (buffer: Bytes) => btoa(binary(bytesOf(buffer))),
  base64ToArrayBuffer: (base64: string) =>
    Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)).buffer,
};

/** Offsets and numbers as they are: BigInts too, because the parameters of Extism are 64 bits wide. */
type HostFunction = (...values: (number | bigint)[]) => number;

/** What is read of it while the plugin is compiled becomes an import of the module. */
const functions = /* @__PURE__ */ new Proxy<Record<string, HostFunction>>(
  {},
  {
    get(taken, name) {
      if (typeof name === "string") taken[name] ??= hostFunction(name);
      return Reflect.get(taken, name);
    },
  },
);

function hostFunction(name: string): HostFunction {
  if (!functionNames.includes(name))
    throw new TypeError(
      `Host.getFunctions: the gateway has no function ${name}; it has ${functionNames.join(", ")}`,
    );
  const call = imported(name);
  return (...values) => call(...values.map(Number));
}

function imported(name: string): (...values: number[]) => number {
  try {
    return takeNumberFunction(name);
  } catch (cause) {
    const text = `Host.getFunctions: read ${name} at the top level of a file; a call is too late for an import`;
    throw new TypeError(text, { cause });
  }
}

function binary(bytes: Uint8Array): string {
  let characters = "";
  for (const byte of bytes) characters += String.fromCharCode(byte);
  return characters;
}

export const Config = { get: (key: string) => configGet(key) };

export const Var = {
  getBytes: (name: string) => varGet(name)?.buffer ?? null,
  getString(name: string): string | null {
    const bytes = varGet(name);
    return bytes === null ? null : new TextDecoderGlobal().decode(bytes);
  },
  set(name: string, value: string | Bytes): void {
    varSet(name, typeof value === "string" ? encodeUtf8(value.toWellFormed()) : bytesOf(value));
  },
};

type Request = { url: string; method?: string; headers?: Record<string, string | number | boolean> };
type Response = { status: number; body: string; headers: Record<string, string> };

export const Http = /* @__PURE__ */ createHttp();

function createHttp() {
  const { send, status, headers } = takeHttp();
  return {
    request(request: Request, body?: string | Bytes): Response {
      const answer = send(JSON.stringify(withTexts(request)), blockFor(body));
      return { status: status(), body: answer ?? "", headers: JSON.parse(headers() ?? "{}") };
    },
  };
}

/** The host takes header values that are texts. */
function withTexts({ headers = {}, ...rest }: Request): object {
  const texts = Object.entries(headers).map(([name, value]) => [name, String(value)]);
  return { ...rest, headers: Object.fromEntries(texts) };
}

/** A number would be taken for an offset. */
function blockFor(body: string | Bytes | null | undefined): string | Uint8Array | undefined {
  if (body === undefined || body === null) return undefined;
  return typeof body === "object" ? bytesOf(body) : String(body).toWellFormed();
}
