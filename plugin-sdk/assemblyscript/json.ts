/*
 * JSON as it stands in its bytes. Nothing is parsed into a tree: a value is a place, and asking it for a member looks
 * for it there. What the host writes is valid JSON, so what is not is not told from what is absent.
 */

const quote: u8 = 0x22;
const backslash: u8 = 0x5c;

/** A value of a JSON text, or the absence of one: then `exists` is false, and so is that of all its members. */
export class Json {
  private constructor(
    private readonly bytes: Uint8Array,
    private readonly from: i32,
    private readonly to: i32,
  ) {}

  /** `bytes` are UTF-8. */
  static parse(bytes: Uint8Array): Json {
    const from = afterSpace(bytes, 0);
    return new Json(bytes, from, afterValue(bytes, from));
  }

  static text(text: string): Json {
    return Json.parse(Uint8Array.wrap(String.UTF8.encode(text)));
  }

  get exists(): bool {
    return this.from < this.to;
  }

  get isObject(): bool {
    return this.first == 0x7b;
  }

  get isArray(): bool {
    return this.first == 0x5b;
  }

  get isString(): bool {
    return this.first == quote;
  }

  get isNumber(): bool {
    return this.first == 0x2d || (this.first >= 0x30 && this.first <= 0x39);
  }

  get isNull(): bool {
    return this.first == 0x6e;
  }

  get isTrue(): bool {
    return this.first == 0x74;
  }

  get isFalse(): bool {
    return this.first == 0x66;
  }

  /** A member of an object; of two with this name the last, as JavaScript has it. */
  get(name: string): Json {
    let found = this.absent();
    if (!this.isObject) return found;
    const wanted = Uint8Array.wrap(String.UTF8.encode(name));
    for (let at = this.inside(); at < this.to - 1; ) {
      const keyEnd = afterString(this.bytes, at);
      const from = afterMark(this.bytes, keyEnd);
      const end = afterValue(this.bytes, from);
      if (this.isKey(at, keyEnd, wanted, name)) found = new Json(this.bytes, from, end);
      at = afterMark(this.bytes, end);
    }
    return found;
  }

  /** The names of an object's members, in their order. */
  keys(): string[] {
    const keys: string[] = [];
    if (!this.isObject) return keys;
    for (let at = this.inside(); at < this.to - 1; ) {
      const keyEnd = afterString(this.bytes, at);
      keys.push(new Json(this.bytes, at, keyEnd).string());
      at = afterMark(this.bytes, afterValue(this.bytes, afterMark(this.bytes, keyEnd)));
    }
    return keys;
  }

  /** The members of an array. */
  items(): Json[] {
    const items: Json[] = [];
    if (!this.isArray) return items;
    for (let at = this.inside(); at < this.to - 1; ) {
      const end = afterValue(this.bytes, at);
      items.push(new Json(this.bytes, at, end));
      at = afterMark(this.bytes, end);
    }
    return items;
  }

  /** The text of a string; `other` of anything else. */
  string(other: string = ""): string {
    if (!this.isString) return other;
    const raw = decode(this.bytes, this.from + 1, this.to - 1);
    return raw.includes("\\") ? unescape(raw) : raw;
  }

  /** A number; `other` of anything else. The last bits may differ from JavaScript's: hand it on by its `source()`. */
  number(other: f64 = 0): f64 {
    return this.isNumber ? numberOf(this.source()) : other;
  }

  /** A whole number; `other` of anything else, also of 1.5, and of 1e3 and what does not fit. */
  integer(other: i64 = 0): i64 {
    if (!this.isNumber) return other;
    const source = this.source();
    const value = I64.parseInt(source);
    return value.toString() == source ? value : other;
  }

  /** The JSON text itself, as it can be put into an effect; empty when the value does not exist. */
  source(): string {
    return decode(this.bytes, this.from, this.to);
  }

  private get first(): u8 {
    return this.exists ? byteAt(this.bytes, this.from) : 0;
  }

  private absent(): Json {
    return new Json(this.bytes, 0, 0);
  }

  /** Where the first member begins. */
  private inside(): i32 {
    return afterSpace(this.bytes, this.from + 1);
  }

  private isKey(from: i32, to: i32, wanted: Uint8Array, name: string): bool {
    const start = this.bytes.dataStart + from + 1;
    const length = to - from - 2;
    if (length == wanted.length && memory.compare(start, wanted.dataStart, length) == 0) return true;
    // A key that is written with escapes is longer than what it says.
    return length > wanted.length && new Json(this.bytes, from, to).string() == name;
  }
}

/** A text as JSON, in its quotes. Half a surrogate pair, which UTF-8 cannot say, is escaped. */
export function quoted(text: string): string {
  let json = '"';
  let kept = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit >= 0xd800 && unit <= 0xdbff && isLow(text, at + 1)) {
      at++;
      continue;
    }
    const isHalf = unit >= 0xd800 && unit <= 0xdfff;
    if (unit >= 0x20 && unit != quote && unit != backslash && !isHalf) continue;
    json += text.substring(kept, at) + "\\u" + unit.toString(16).padStart(4, "0");
    kept = at + 1;
  }
  return json + (kept == 0 ? text : text.substring(kept)) + '"';
}

function isLow(text: string, at: i32): bool {
  return at < text.length && (text.charCodeAt(at) & 0xfc00) == 0xdc00;
}

/** Also behind the end, where there is nothing: every loop here ends there. */
function byteAt(bytes: Uint8Array, at: i32): u8 {
  return at < bytes.length ? load<u8>(bytes.dataStart + at) : 0;
}

function afterSpace(bytes: Uint8Array, at: i32): i32 {
  while (at < bytes.length && byteAt(bytes, at) <= 0x20) at++;
  return at;
}

/** Behind the colon or the comma that stands here, and the space around it. */
function afterMark(bytes: Uint8Array, at: i32): i32 {
  at = afterSpace(bytes, at);
  const mark = byteAt(bytes, at);
  return mark == 0x2c || mark == 0x3a ? afterSpace(bytes, at + 1) : at;
}

/** The end of the value that begins here; never `at` itself, unless there the text ends. */
function afterValue(bytes: Uint8Array, at: i32): i32 {
  const first = byteAt(bytes, at);
  if (first == quote) return afterString(bytes, at);
  if (first != 0x7b && first != 0x5b) return afterWord(bytes, at);
  let depth = 0;
  while (at < bytes.length) {
    const byte = byteAt(bytes, at);
    if (byte == quote) {
      at = afterString(bytes, at);
      continue;
    }
    at++;
    // [ and ] are { and } without the bit 0x20.
    if ((byte | 0x20) == 0x7b) depth++;
    else if ((byte | 0x20) == 0x7d && --depth == 0) return at;
  }
  return at;
}

/** Of a number, true, false or null. */
function afterWord(bytes: Uint8Array, at: i32): i32 {
  let end = at + 1;
  while (end < bytes.length) {
    const byte = byteAt(bytes, end);
    if (byte <= 0x20 || byte == 0x2c || (byte | 0x20) == 0x7d) break;
    end++;
  }
  return min(end, bytes.length);
}

const everyByte: u64 = 0x0101010101010101;

/** Has the highest bit of each byte that is zero; bits above the first such byte may be wrong. */
function zeroBytes(word: u64): u64 {
  return (word - everyByte) & ~word & (everyByte << 7);
}

/** `at` is that of the first quote. Eight bytes are looked at together: most of a prompt is in long strings. */
function afterString(bytes: Uint8Array, at: i32): i32 {
  const length = bytes.length;
  at++;
  while (at < length) {
    while (at + 8 <= length) {
      const word = load<u64>(bytes.dataStart + at);
      const marks = zeroBytes(word ^ (everyByte * quote)) | zeroBytes(word ^ (everyByte * backslash));
      if (marks != 0) {
        at += <i32>(ctz(marks) >> 3);
        break;
      }
      at += 8;
    }
    const byte = byteAt(bytes, at);
    if (byte == quote) return at + 1;
    at += byte == backslash ? 2 : 1;
  }
  return length;
}

/** `F64.parseFloat` loses a part of some exponents from 39 (in AssemblyScript 0.28.20), so it gets what stands before. */
function numberOf(text: string): f64 {
  const lower = text.indexOf("e");
  const mark = lower < 0 ? text.indexOf("E") : lower;
  if (mark < 0) return F64.parseFloat(text);
  const mantissa = F64.parseFloat(text.substring(0, mark));
  const exponent = F64.parseFloat(text.substring(mark + 1));
  // The smallest numbers are smaller than the inverse of the largest.
  if (exponent < -300) return mantissa / 1e300 / Math.pow(10, -exponent - 300);
  return exponent < 0 ? mantissa / Math.pow(10, -exponent) : mantissa * Math.pow(10, exponent);
}

function decode(bytes: Uint8Array, from: i32, to: i32): string {
  return from < to ? String.UTF8.decodeUnsafe(bytes.dataStart + from, to - from) : "";
}

function unescape(raw: string): string {
  let text = "";
  let kept = 0;
  for (let at = raw.indexOf("\\"); at >= 0; at = raw.indexOf("\\", kept)) {
    text += raw.substring(kept, at);
    const mark = raw.charCodeAt(at + 1);
    if (mark == 0x75) {
      text += String.fromCharCode(<i32>I32.parseInt(raw.substr(at + 2, 4), 16));
      kept = at + 6;
      continue;
    }
    kept = at + 2;
    if (mark == 0x6e) text += "\n";
    else if (mark == 0x74) text += "\t";
    else if (mark == 0x72) text += "\r";
    else if (mark == 0x62) text += "\b";
    else if (mark == 0x66) text += "\f";
    // A quote, a backslash or a slash stands for itself.
    else text += raw.charAt(at + 1);
  }
  return text + raw.substring(kept);
}
