import { randomBytes, randomNumber, takeClock } from "./native.ts";
import { uuidOf } from "./uuid.ts";

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
  randomUUID(): string {
    return uuidOf(this.getRandomValues(new Uint8Array(16)));
  },
  /** The bundler leads `crypto.subtle` to `subtle.ts`, so that only those plugins carry it which name it. */
  get subtle(): never {
    throw new TypeError("crypto.subtle has to be written as such: the compiler does not see it otherwise");
  },
};
