import {
  configGet,
  encodeUtf8,
  inputBytes,
  inputText,
  outputBytes,
  outputText,
  takeHttp,
  varGet,
  varSet,
} from "./native.ts";
import { bytesOf, TextDecoderGlobal } from "./text-encoding.ts";

type Bytes = ArrayBufferLike | ArrayBufferView;

/** The globals of the Extism JS PDK, so that its plugins compile as they are. Names and shapes: @extism/js-pdk. */
export const Host = {
  inputString: () => inputText(),
  inputBytes: () => inputBytes().buffer,
  outputString: (text: string) => outputText(String(text).toWellFormed()),
  outputBytes: (bytes: Bytes) => outputBytes(bytesOf(bytes)),
  arrayBufferToBase64: (buffer: Bytes) => btoa(binary(bytesOf(buffer))),
  base64ToArrayBuffer: (base64: string) =>
    Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)).buffer,
};

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

type Request = { url: string; method?: string; headers?: Record<string, string> };

export const Http = /* @__PURE__ */ createHttp();

function createHttp() {
  const { send, status } = takeHttp();
  return {
    request(request: Request, body?: string): { status: number; body: string } {
      const answer = send(JSON.stringify(request), body);
      return { status: status(), body: answer ?? "" };
    },
  };
}
