import { type OpcodeName, opcodes } from "#host/sandbox/wasm/opcodes.ts";
import { type Call, type Case, parseCall, product } from "./case.ts";

/** Instructions on numbers alone: each is a function over the bits of its operands, called with every pair of edges. */

type Type = "i32" | "i64" | "f32" | "f64";

const edges: Readonly<Record<Type, readonly (number | bigint)[]>> = {
  i32: [
    0,
    1,
    -1,
    2,
    31,
    32,
    33,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0x8000,
    0xffff,
    2 ** 31 - 1,
    -(2 ** 31),
    0x1234_5678,
  ],
  i64: [
    ...[0n, 1n, -1n, 2n, 31n, 63n, 64n, 65n, 0x80n, 0xffn, 0x8000n, 0x8000_0000n, 2n ** 32n],
    ...[2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n), 0x1234_5678_9abc_def0n],
  ],
  // As bits: zeros, smallest, subnormal, halves, limits of i32, i64 and u64, largest, infinities, NaN quiet, signalling and with payload.
  f32: [
    ...[0, 0x8000_0000, 1, 0x8000_0001, 0x007f_ffff, 0x0080_0000, 0x3f00_0000, 0xbf00_0000, 0x3f80_0000],
    ...[
      0xbf80_0000, 0x3fc0_0000, 0x4020_0000, 0xbf7f_ffff, 0x4eff_ffff, 0x4f00_0000, 0xcf00_0000, 0xcf00_0001,
    ],
    ...[
      0x4f7f_ffff, 0x4f80_0000, 0x5eff_ffff, 0x5f00_0000, 0xdf00_0000, 0x5f80_0000, 0x7f7f_ffff, 0x7f80_0000,
    ],
    ...[0xff80_0000, 0x7fc0_0000, 0xffc0_0000, 0x7f80_0001, 0x7fd2_3456],
  ].map((bits) => bits | 0),
  f64: [
    ...[
      0n,
      0x8000_0000_0000_0000n,
      1n,
      0x000f_ffff_ffff_ffffn,
      0x0010_0000_0000_0000n,
      0x3fe0_0000_0000_0000n,
    ],
    ...[0xbfe0_0000_0000_0000n, 0x3ff0_0000_0000_0000n, 0xbff0_0000_0000_0000n, 0x3ff8_0000_0000_0000n],
    ...[0x4004_0000_0000_0000n, 0xbfef_ffff_ffff_ffffn, 0x41df_ffff_ffc0_0000n, 0x41e0_0000_0000_0000n],
    ...[0xc1e0_0000_0020_0000n, 0x41ef_ffff_ffff_ffffn, 0x41f0_0000_0000_0000n, 0x43df_ffff_ffff_ffffn],
    ...[0x43e0_0000_0000_0000n, 0xc3e0_0000_0000_0000n, 0x43f0_0000_0000_0000n, 0x47ef_ffff_f000_0000n],
    ...[0x7fef_ffff_ffff_ffffn, 0x7ff0_0000_0000_0000n, 0xfff0_0000_0000_0000n, 0x7ff8_0000_0000_0000n],
    ...[0xfff8_0000_0000_0000n, 0x7ff0_0000_0000_0001n, 0x7ffa_1234_5678_9abcn],
  ].map((bits) => BigInt.asIntN(64, bits)),
};

const unary =
  /\.(?:eqz|clz|ctz|popcnt|abs|neg|ceil|floor|trunc|nearest|sqrt|extend\d+_s|.*_[if](?:32|64)(?:_[su])?)$/;

const names = Object.entries(opcodes)
  .filter(([name, row]) => /^[if](?:32|64)\./.test(name) && row.length === 1)
  .map(([name]) => name as OpcodeName);

function operandOf(name: string): Type {
  return (/_([if](?:32|64))(?:_[su])?$/.exec(name)?.[1] ?? name.slice(0, 3)) as Type;
}

function resultOf(name: string): Type {
  return /\.(?:eqz?|ne|[lg][te](?:_[su])?)$/.test(name) ? "i32" : (name.slice(0, 3) as Type);
}

const bitsOf = (type: Type) => type.replace("f", "i");

function functionText(name: string): string {
  const operand = operandOf(name);
  const result = resultOf(name);
  const bits = bitsOf(operand);
  const params = unary.test(name) ? [0] : [0, 1];
  const get = (index: number) =>
    operand === bits ? `(local.get ${index})` : `(${operand}.reinterpret_${bits} (local.get ${index}))`;
  const value = `(${name} ${params.map(get).join(" ")})`;
  const shown = result.startsWith("f") ? `(${bitsOf(result)}.reinterpret_${result} ${value})` : value;
  const type = `(param ${params.map(() => bits).join(" ")}) (result ${bitsOf(result)})`;
  return `(func (export "${name}") ${type} ${shown})`;
}

function* allEdges(): Generator<Call> {
  for (const name of names) {
    const values = edges[operandOf(name)];
    yield* product(name, unary.test(name) ? [values] : [values, values]);
  }
}

/** From the chapters on numerics of the specification: where implementations go wrong. */
const specified = [
  "i32.div_s(-2147483648, -1) traps divide result unrepresentable",
  "i32.div_s(1, 0) traps divide by zero",
  "i32.div_u(1, 0) traps divide by zero",
  "i32.div_u(-2147483648, -1) = 0",
  "i32.rem_s(-2147483648, -1) = 0",
  "i32.rem_s(-7, 3) = -1",
  "i32.rem_u(1, 0) traps remainder by zero",
  "i32.add(2147483647, 1) = -2147483648",
  "i32.mul(305419896, 305419896) = 502585408",
  "i32.shl(1, 32) = 1",
  "i32.shl(1, 33) = 2",
  "i32.shr_s(-1, 31) = -1",
  "i32.shr_u(-1, 31) = 1",
  "i32.rotl(-2147483648, 1) = 1",
  "i32.rotr(1, 1) = -2147483648",
  "i32.clz(0) = 32",
  "i32.ctz(0) = 32",
  "i32.popcnt(-1) = 32",
  "i32.extend8_s(128) = -128",
  "i32.extend16_s(32768) = -32768",
  "i32.wrap_i64(4294967296n) = 0",
  "i64.div_s(-9223372036854775808n, -1n) traps divide result unrepresentable",
  "i64.div_u(1n, 0n) traps divide by zero",
  "i64.rem_s(-9223372036854775808n, -1n) = 0n",
  "i64.rem_s(1n, 0n) traps remainder by zero",
  "i64.add(9223372036854775807n, 1n) = -9223372036854775808n",
  "i64.shl(1n, 64n) = 1n",
  "i64.rotr(1n, 1n) = -9223372036854775808n",
  "i64.clz(0n) = 64n",
  "i64.ctz(0n) = 64n",
  "i64.extend32_s(2147483648n) = -2147483648n",
  "i64.extend_i32_s(-1) = -1n",
  "i64.extend_i32_u(-1) = 4294967295n",
  "i64.lt_u(-1n, 0n) = 0",
  "i64.lt_s(-1n, 0n) = 1",
  // 2^31, -2^31 - 1 rounded, NaN, -0.99999994: the first and last that fit.
  "i32.trunc_f32_s(0x4f000000) traps float unrepresentable in integer range",
  "i32.trunc_f32_s(0xcf000000) = -2147483648",
  "i32.trunc_f32_s(0x7fc00000) traps float unrepresentable in integer range",
  "i32.trunc_f32_u(0xbf7fffff) = 0",
  "i32.trunc_f32_u(0xbf800000) traps float unrepresentable in integer range",
  "i32.trunc_f64_u(0x41effffffff00000n) = -1",
  "i64.trunc_f64_s(0x43e0000000000000n) traps float unrepresentable in integer range",
  "i64.trunc_f32_u(0x5f800000) traps float unrepresentable in integer range",
  "i32.trunc_sat_f32_s(0x7fc00000) = 0",
  "i32.trunc_sat_f32_s(0x7f800000) = 2147483647",
  "i32.trunc_sat_f32_u(0xff800000) = 0",
  "i32.trunc_sat_f64_u(0x7ff0000000000000n) = -1",
  "i64.trunc_sat_f32_s(0xff800000) = -9223372036854775808n",
  "i64.trunc_sat_f64_u(0x7ff0000000000000n) = -1n",
  // min and max know the sign of zero; abs, neg and copysign are about bits.
  "f32.min(0, 0x80000000) = -2147483648",
  "f32.max(0, 0x80000000) = 0",
  "f32.neg(0x7fc00000) = -4194304",
  "f32.abs(0xffc00000) = 2143289344",
  "f32.copysign(0x7fc00000, 0x80000000) = -4194304",
  "f32.nearest(0x3f000000) = 0",
  "f32.nearest(0x3fc00000) = 0x40000000",
  "f32.nearest(0x40200000) = 0x40000000",
  "f32.ceil(0xbf000000) = -2147483648",
  "f32.sqrt(0x80000000) = -2147483648",
  "f32.demote_f64(0x3690000000000000n) = 0",
  "f32.demote_f64(0x47effffff0000000n) = 2139095040",
  "f32.convert_i64_u(-1n) = 0x5f800000",
  "f64.promote_f32(1) = 0x36a0000000000000n",
  "f64.convert_i64_s(9007199254740993n) = 0x4340000000000000n",
  "f64.min(0n, -9223372036854775808n) = -9223372036854775808n",
  "f64.eq(0n, -9223372036854775808n) = 1",
  "f64.ne(0x7ff8000000000000n, 0x7ff8000000000000n) = 1",
  "f64.lt(0x7ff8000000000000n, 0n) = 0",
];

export const scalarCases: readonly Case[] = [
  {
    name: "numbers",
    module: `(module ${names.map(functionText).join("\n")})`,
    calls: [...specified.map(parseCall), ...allEdges()],
  },
];
