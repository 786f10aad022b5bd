import { decodeUtf8, encodeUtf8, isUtf8 } from "./native.ts";

/** WHATWG Encoding, UTF-8 only. */
export class TextEncoderGlobal {
  readonly encoding = "utf-8";

  encode(text = ""): Uint8Array<ArrayBuffer> {
    return encodeUtf8(String(text).toWellFormed());
  }

  /** Whole characters only. */
  encodeInto(text: string, into: Uint8Array): { read: number; written: number } {
    const bytes = this.encode(text);
    let written = Math.min(bytes.length, into.length);
    while (written < bytes.length && isContinuation(bytes[written])) written--;
    const fitting = bytes.subarray(0, written);
    into.set(fitting);
    return { read: decodeUtf8(fitting).length, written };
  }
}

const labels = ["utf-8", "utf8", "unicode-1-1-utf-8", "unicode11utf8", "unicode20utf8", "x-unicode20utf8"];
const noBytes = /* @__PURE__ */ new Uint8Array(0);

/** WHATWG Encoding, UTF-8 only. */
export class TextDecoderGlobal {
  readonly encoding = "utf-8";
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  /** Of a stream: the begin of a character whose rest has not come. */
  #kept = noBytes;
  #isInside = false;

  constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
    if (!labels.includes(String(label).trim().toLowerCase()))
      throw new RangeError(`TextDecoder: only utf-8, not ${label}`);
    this.fatal = fatal;
    this.ignoreBOM = ignoreBOM;
  }

  decode(source?: ArrayBufferLike | ArrayBufferView, { stream = false } = {}): string {
    const bytes = joined(this.#kept, bytesOf(source));
    const isInside = this.#isInside;
    const end = bytes.length - (stream ? unfinished(bytes) : 0);
    this.#kept = bytes.slice(end);
    const text = this.#textOf(bytes.subarray(0, end));
    this.#isInside = stream && (isInside || text !== "");
    return !this.ignoreBOM && !isInside && text.startsWith("\ufeff") ? text.slice(1) : text;
  }

  #textOf(bytes: Uint8Array): string {
    if (!this.fatal || isUtf8(bytes)) return decodeUtf8(bytes);
    this.#kept = noBytes;
    this.#isInside = false;
    throw new TypeError("TextDecoder: the bytes are not UTF-8");
  }
}

/** The bytes behind a buffer or a view of one, not copied. */
export function bytesOf(source: ArrayBufferLike | ArrayBufferView | undefined): Uint8Array {
  if (source === undefined) return new Uint8Array(0);
  if (!ArrayBuffer.isView(source)) return new Uint8Array(source);
  return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0) return second;
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

const longest = 4;

/** How many bytes at the end begin a character and do not finish it. */
function unfinished(bytes: Uint8Array): number {
  for (let back = 1; back < longest && back <= bytes.length; back++) {
    const at = bytes.length - back;
    if (isContinuation(bytes[at])) continue;
    return canGoOn(bytes[at] ?? 0, bytes[at + 1]) && back < lengthBy(bytes[at] ?? 0) ? back : 0;
  }
  return 0;
}

function lengthBy(first: number): number {
  return first < 0xc2 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/** Whether a character can begin with these bytes: Unicode, table 3-7. */
function canGoOn(first: number, second: number | undefined): boolean {
  const lowest = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const highest = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  return first <= 0xf4 && (second === undefined || (second >= lowest && second <= highest));
}
