import { randomBytes, randomNumber, takeClock } from "./native.ts";

/** The engine's own `Date`, with a clock behind it. The time stands still during a call. */
export const DateGlobal = /* @__PURE__ */ withClock(() => globalThis.Date);
export const performance = /* @__PURE__ */ withClock(() => globalThis.performance);

/** By a function, because the bundler keeps whatever reads a property. */
function withClock<Global>(global: () => Global): Global {
  takeClock();
  return global();
}

/** `Math.random`, which the bundler leads here. */
export const mathRandom = randomNumber;

const longestRandom = 65_536;

type IntegerArray = Exclude<NodeJS.TypedArray, Float32Array | Float64Array>;

/** Of Web Crypto what needs nothing but random bytes. Without a source of them it throws. */
export const crypto = {
  getRandomValues<View extends IntegerArray>(view: View): View {
    if (view.byteLength > longestRandom)
      throw new RangeError(`crypto: more than ${longestRandom} bytes at once`);
    randomBytes(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
    return view;
  },
  /** RFC 9562, version 4. */
  randomUUID(): string {
    const bytes = this.getRandomValues(new Uint8Array(16));
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  },
};
