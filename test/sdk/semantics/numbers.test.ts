import { js, specify } from "./specify.ts";

specify("numbers", {
  "a literal has its own bases and separators": js`
    return [0xff, 0b101, 0o17, 1_000_000, .5, 5., 1e-7, 0xF_F, 0XaB, 1E3];
  `,
  "Number of a text takes all of it or nothing": js`
    return ["", " 12 ", "0x1F", "0b11", "0o17", "1e3", "-0", "+5", ".5", "5.", "Infinity", "-Infinity",
      "infinity",
      "1_0", "12px", "0x", "-0x10", "1e", "\u00a0\ufeff7\n"].map(Number);
  `,
  "parseFloat takes the longest beginning": js`
    return ["3.14abc", "  -2.5e+3x", ".5.5", "-.0", "1e1000", "-1e1000", "e5", "0x10", "Infinityx", "1_0",
      "5e-324", "2e-324"].map(parseFloat);
  `,
  "parseInt by radix": js`
    return [parseInt("0x1f"), parseInt("1f", 16), parseInt("zz", 36), parseInt("08"), parseInt("12", 1),
      parseInt("12", 37),
      parseInt("-0"), parseInt("9007199254740993"), parseInt(1e21), parseInt("123", 0),
        parseInt("101", 2.9), parseInt("  -7.9")];
  `,
  "decimal texts round to the nearest double, ties to even": js`
    return ["9007199254740993", "9007199254740995", "0.1", "1.7976931348623157e308", "1.7976931348623159e308",
      "4.9406564584124654e-324", "2.4703282292062327e-324", "2.4703282292062328e-324",
        "2.2250738585072011e-308",
      "123456789012345678901234567890", "8.442911973260991817129021e-309"].map(Number);
  `,
  "a number prints as the shortest digits that give it back": js`
    return [0.1 + 0.2, 1 / 3, 100, 1e21, 123456789012345680000, 1e-6, 1e-7, 1.5e-10, 5e-324,
      1.7976931348623157e308,
      2 ** 53, -1e-7, 0.000001234, 4.35, 1.005, 9.5367431640625e-7].map(String);
  `,
  "every power of two is read as it was printed": js`
    for (let power = -1074; power < 1024; power++) {
      const value = 2 ** power;
      if (Number(String(value)) !== value) return power;
    }
    return "all";
  `,
  "-0 shows in division, Object.is and Math, not in texts": js`
    return [-0, String(-0), JSON.stringify(-0), 1 / -0, Object.is(-0, 0), -0 === 0, Math.sign(-0),
      Math.max(-0, 0),
      Math.min(0, -0), -0 + -0, 0 * -1, -5 % 5, Math.round(-0.2), Math.trunc(-0.9), [-0].includes(0),
        [-0].indexOf(0)];
  `,
  "NaN equals nothing but itself in SameValueZero": js`
    return [NaN === NaN, [NaN].includes(NaN), [NaN].indexOf(NaN), new Set([NaN, NaN]).size,
      Object.is(NaN, 0 / 0), NaN < 1, NaN >= 1];
  `,
  "toFixed rounds the exact value, halves up": js`
    return [(1.005).toFixed(2), (1.45).toFixed(1), (8.345).toFixed(2), (0.5).toFixed(0), (1.5).toFixed(0),
      (2.5).toFixed(0), (-2.5).toFixed(0),
      (1e21).toFixed(2), (123.456).toFixed(10), (0.000001).toFixed(7), (-1.5).toFixed(0),
        (-0.0000001).toFixed(2), (0).toFixed(2), (-0).toFixed(1),
      (1000000000000000128).toFixed(1), thrown(() => (1).toFixed(101)), thrown(() => (1).toFixed(-1)),
        NaN.toFixed(2)];
  `,
  "toFixed goes to a hundred digits": js`
    return [(0.1).toFixed(100), (1 / 3).toFixed(60), (2 ** -60).toFixed(80)];
  `,
  "toPrecision chooses between digits and exponent": js`
    return [(123.456).toPrecision(4), (0.000123).toPrecision(2), (1e-7).toPrecision(3),
      (1e21).toPrecision(3), (123456).toPrecision(2), (25).toPrecision(1),
      (35).toPrecision(1), (1.25).toPrecision(2), (1.35).toPrecision(2), (0).toPrecision(5),
        (5e-324).toPrecision(30), thrown(() => (1).toPrecision(0)), (99.99).toPrecision(3)];
  `,
  toExponential: js`
    return [(123456).toExponential(2), (0).toExponential(), (0.00015).toExponential(1),
      (1e21).toExponential(), (-1.5e-9).toExponential(3), (25).toExponential(0),
      (12345).toExponential(), thrown(() => (1).toExponential(101)), Infinity.toExponential(1)];
  `,
  "a whole number prints in any radix": js`
    return [(255).toString(16), (255).toString(2), (-255).toString(36), (2 ** 52 + 1).toString(2),
      (123456789).toString(7), (0).toString(2),
      thrown(() => (1).toString(1)), thrown(() => (1).toString(37)), (35).toString(36), NaN.toString(2),
        (-Infinity).toString(16)];
  `,
  "a fraction prints in a radix that holds it": js`
    return [(0.5).toString(2), (0.1).toString(2), (255.75).toString(16), (-0.375).toString(8),
      (1.25).toString(4), (2 ** -20).toString(2)];
  `,
  "integers of 32 bits wrap in bitwise operators": js`
    return [2 ** 31 | 0, 2 ** 32 | 0, -1 >>> 0, 1 << 31, 1 << 32, -1 >> 31, -1 >>> 31, ~5.9, 2 ** 53 | 0,
      NaN | 0, Infinity | 0, "7" & "3", 5 ^ -1, 4294967295.5 >>> 0, -1.9 | 0, 1 << -1];
  `,
  "sums and products pass the limits of small integers": js`
    let sum = 2147483647;
    sum++;
    let least = -2147483648;
    least--;
    let grown = 1;
    for (let i = 0; i < 40; i++) grown *= 3;
    return [sum, least, 2147483647 + 1, -2147483648 - 1, 65536 * 65536, -(-2147483648), 46341 * 46341,
      -2147483648 * -1, grown, 9007199254740991 + 2];
  `,
  "remainder has the sign of the dividend": js`
    return [5 % 3, -5 % 3, 5 % -3, 5.5 % 2, -1 % 1, 5 % Infinity, Infinity % 5, 5 % 0, 0 % -5, 1e308 % 3,
      0.3 % 0.1, -2147483648 % -1];
  `,
  "** is right-associative and knows its special values": js`
    return [2 ** 3 ** 2, (-2) ** 2, 2 ** -1074, NaN ** 0, 1 ** Infinity, (-1) ** Infinity, 0 ** -1,
      (-0) ** -1, (-0) ** -2, (-8) ** (1 / 3), 2 ** 0.5, 10 ** 308, 10 ** -5];
  `,
  "Math rounds": js`
    return [[0.5, 1.5, 2.5, -0.5, -1.5, 0.49999999999999994, 4503599627370495.5, -4503599627370495.5,
      1e300].map(Math.round), [1.9, -1.9, -0.1].map(Math.ceil),
      [1.9, -1.9, 0.1].map(Math.floor), [1.9, -1.9, -0.1].map(Math.trunc), Math.fround(5.5),
        Math.fround(5.05), Math.fround(1e40), Math.sign(-3)];
  `,
  "Math of exact results": js`
    return [Math.hypot(3, 4), Math.hypot(), Math.hypot(NaN, Infinity), Math.hypot(-0), Math.cbrt(27),
      Math.cbrt(-8), Math.sqrt(2), Math.sqrt(-0), Math.sqrt(-1), Math.clz32(1), Math.clz32(0),
      Math.clz32(-1), Math.imul(0xffffffff, 5), Math.imul(2 ** 31, 2), Math.log2(8), Math.log10(1000),
        Math.log2(2 ** -1074), Math.exp(0), Math.expm1(-0), Math.log1p(-1), Math.abs(-2147483648)];
  `,
  "Math of angles at their special values": js`
    return [Math.atan2(0, -0), Math.atan2(-0, -0), Math.atan2(1, 0), Math.atan2(-1, 0), Math.atan2(0, 0),
      Math.sin(-0), Math.cos(0), Math.tan(0), Math.asin(2), Math.acos(1), Math.atan(-0), Math.sinh(-0),
      Math.cosh(0), Math.tanh(Infinity), Math.asinh(-0), Math.acosh(0.5), Math.atanh(1)];
  `,
  "Math is right to the last digits": js`
    return [Math.sin(1), Math.cos(1), Math.tan(1), Math.exp(1), Math.log(10), Math.log(0.5), Math.atan(1),
      Math.sin(1e6), Math.pow(1.1, 10), Math.sinh(1), Math.log1p(1e-10),
      Math.expm1(1e-10)].map((x) => x.toPrecision(14));
  `,
  "Math.max and Math.min convert all they are given": js`
    const seen = [];
    const of = (name, value) => ({ valueOf() { seen.push(name); return value; } });
    const result = Math.max(of("a", NaN), of("b", 2));
    return [result, seen, Math.max(), Math.min(), Math.max(1, "3", null), Math.min(...[3, 1, 2]),
      Math.max(undefined, 1)];
  `,
  "Number's tests do not convert": js`
    return [Number.isInteger("5"), Number.isInteger(5.0), Number.isSafeInteger(2 ** 53),
      Number.isSafeInteger(2 ** 53 - 1), Number.isNaN("x"), isNaN("x"), Number.isFinite("5"), isFinite("5"),
      Number.EPSILON, Number.MIN_VALUE, Number.MAX_SAFE_INTEGER];
  `,
  "conversions of objects to numbers": js`
    return [+[], +[5], +[1, 2], +{}, +new Date(5), +null, +undefined, +true, +"", thrown(() => +Symbol()),
      thrown(() => +1n), Number(1n), [] + [], [] * 2, "3" * "4", "3" + 4, 3 + 4 + "5", null + 1,
      undefined + 1, true + true];
  `,
  "BigInt reads and prints": js`
    return [BigInt("0xff"), BigInt(" 12 "), BigInt(""), BigInt(true), BigInt(2 ** 60),
      thrown(() => BigInt(1.5)), thrown(() => BigInt("1n")), thrown(() => BigInt(NaN)),
      thrown(() => BigInt(null)),
      (2n ** 100n).toString(), (255n).toString(16), (-255n).toString(36),
        BigInt("123456789012345678901234567890") * 10n];
  `,
  "BigInt divides towards zero and shifts by sign": js`
    return [7n / -2n, -7n % 2n, thrown(() => 1n / 0n), -1n >> 1n, -5n >> 1n, 1n << 70n, 5n << -1n,
      -1n & 0xffn, 5n | -8n, ~5n, 5n ^ -1n, 2n ** 0n, thrown(() => 2n ** -1n), thrown(() => 1n >>> 0n),
      thrown(() => 1n + 1), -(-5n)];
  `,
  "BigInt compares with numbers by value": js`
    return [1n == 1, 1n === 1, 2n > 1.5, 10n < "9", 1n == "1", 9007199254740993n > 9007199254740992,
      9007199254740993n == 9007199254740992, 0n ? 1 : 2, typeof 1n, [3n, 1, 2n].sort(), NaN > 1n,
      1n < Infinity];
  `,
  "BigInt wraps to bits": js`
    return [BigInt.asIntN(8, 255n), BigInt.asUintN(8, -1n), BigInt.asIntN(64, 2n ** 63n),
      BigInt.asUintN(64, -1n), BigInt.asIntN(0, 5n), BigInt.asIntN(1, 1n), Number(2n ** 64n),
      Number(2n ** 53n + 1n), Number(2n ** 1024n), thrown(() => Math.max(1n))];
  `,
  "BigInt of many digits is exact": js`
    let product = 1n;
    for (let factor = 1n; factor <= 60n; factor++) product *= factor;
    return [product, product / 2n ** 50n, product % 1000000007n, (product ** 3n).toString(32),
      BigInt("0x" + product.toString(16)) === product];
  `,
  "toString and toLocaleString without a locale's data": js`
    return [(5).toLocaleString(), (0.5).toLocaleString(), 5n.toLocaleString()];
  `,
});
