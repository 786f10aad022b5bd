import { decodeUtf8, encodeUtf8, isUtf8 } from "./native.ts";

/** WHATWG Encoding, UTF-8 only. */
export class TextEncoderGlobal {
  readonly encoding = "utf-8";

  encode(text = ""): Uint8Array<ArrayBuffer> {
    return encodeUtf8(String(text).toWellFormed());
  }

  encodeInto(text: string, into: Uint8Array): { read: number; written: number } {
    let read = 0;
    let written = 0;
    for (const character of String(text)) {
      const bytes = this.encode(character);
      if (written + bytes.length > into.length) break;
      into.set(bytes, written);
      written += bytes.length;
      read += character.length;
    }
    return { read, written };
  }
}

const labels = ["utf-8", "utf8", "unicode-1-1-utf-8"];

/** WHATWG Encoding, UTF-8 only, whole texts only. */
export class TextDecoderGlobal {
  readonly encoding = "utf-8";
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;

  constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
    if (!labels.includes(label.trim().toLowerCase()))
      throw new RangeError(`TextDecoder: only utf-8, not ${label}`);
    this.fatal = fatal;
    this.ignoreBOM = ignoreBOM;
  }

  decode(source?: ArrayBufferLike | ArrayBufferView): string {
    const bytes = bytesOf(source);
    if (this.fatal && !isUtf8(bytes)) throw new TypeError("TextDecoder: the bytes are not UTF-8");
    const text = decodeUtf8(bytes);
    return !this.ignoreBOM && text.startsWith("\ufeff") ? text.slice(1) : text;
  }
}

/** The bytes behind a buffer or a view of one, not copied. */
export function bytesOf(source: ArrayBufferLike | ArrayBufferView | undefined): Uint8Array {
  if (source === undefined) return new Uint8Array(0);
  if (!ArrayBuffer.isView(source)) return new Uint8Array(source);
  return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
}
