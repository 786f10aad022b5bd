import { opcodes } from "#host/sandbox/wasm/opcodes.ts";
import { type Call, type Case, parseCall, product } from "./case.ts";

/** Vector instructions: a vector goes in and out as two i64, the lower lanes first. */

type Shape = "i8x16" | "i16x8" | "i32x4" | "i64x2" | "f32x4" | "f64x2";

const scalars: Readonly<Record<Shape, string>> = {
  i8x16: "i32",
  i16x8: "i32",
  i32x4: "i32",
  i64x2: "i64",
  f32x4: "f32",
  f64x2: "f64",
};
const lastLanes: Readonly<Record<Shape, number>> = {
  i8x16: 15,
  i16x8: 7,
  i32x4: 3,
  i64x2: 1,
  f32x4: 3,
  f64x2: 1,
};

const edges: readonly (readonly bigint[])[] = [
  [0n, 0n],
  [-1n, -1n],
  [0x7f80_7f80_8000_7fffn, 0x8000_0000_7fff_ffffn],
  [-(2n ** 63n), 2n ** 63n - 1n],
  [0x0001_0203_0405_0607n, 0x0809_0a0b_0c0d_0e0fn],
  [0x0010_10ff_0f08_0700n, 0x1fff_0e01_0a0b_0c0dn],
  // Floats: 1.5 and -0, infinity and NaN in halves, quiet NaN and the largest double, 2^31 and 2^63.
  [0x8000_0000_3fc0_0000n, 0x7fd2_3456_ff80_0000n],
  [0x7ff8_0000_0000_0000n, 0x7fef_ffff_ffff_ffffn],
  [0x41e0_0000_0000_0000n, 0x43e0_0000_4f00_0000n],
].map((halves) => halves.map((half) => BigInt.asIntN(64, half)));

const rows = Object.entries(opcodes).filter(([, [code]]) => code >= 0x200);
const plain = rows.filter(([name, row]) => row.length === 1 && !name.startsWith("v128.const"));

const unary =
  /\.(?:not|abs|neg|popcnt|ceil|floor|trunc|nearest|sqrt|any_true|all_true|bitmask|ext(?:end|add)_.*|convert_.*|trunc_sat_.*|demote_.*|promote_.*)$/;

const vector = (first: number) =>
  `(i64x2.replace_lane 1 (i64x2.splat (local.get ${first})) (local.get ${first + 1}))`;

/** A function of so many vectors and what `more` says; `code` leaves a vector. */
function vectorFunction(name: string, vectors: number, code: string, more = ""): string {
  return `(func (export "${name}") (param ${"i64 i64 ".repeat(vectors)}${more}) (result i64 i64) (local $v v128)
    (local.set $v ${code})
    (i64x2.extract_lane 0 (local.get $v)) (i64x2.extract_lane 1 (local.get $v)))`;
}

function plainFunction(name: string): string {
  const shape = name.split(".")[0] as Shape;
  if (name.endsWith(".splat")) return vectorFunction(name, 0, `(${name} (local.get 0))`, scalars[shape]);
  if (/\.sh[lr](?:_[su])?$/.test(name))
    return vectorFunction(name, 1, `(${name} ${vector(0)} (local.get 2))`, "i32");
  if (/_true$|\.bitmask$/.test(name))
    return `(func (export "${name}") (param i64 i64) (result i32) (${name} ${vector(0)}))`;
  const count = name === "v128.bitselect" ? 3 : unary.test(name) ? 1 : 2;
  return vectorFunction(name, count, `(${name} ${[0, 2, 4].slice(0, count).map(vector).join(" ")})`);
}

function* plainCalls(name: string): Generator<Call> {
  const shape = name.split(".")[0] as Shape;
  if (name.endsWith(".splat")) {
    const values = scalars[shape] === "i64" ? [0n, -1n, 2n ** 40n] : [0, -1, 1.5, 0x1234_5678, -(2 ** 31)];
    yield* product(name, [values]);
  } else if (/\.sh[lr](?:_[su])?$/.test(name)) {
    for (const one of edges)
      for (const by of [0, 1, 7, 8, 31, 33, 64, -1]) yield { name, args: [...one, by] };
  } else if (unary.test(name)) {
    for (const one of edges) yield { name, args: one };
  } else {
    const third = name === "v128.bitselect" ? [0x00ff_00ff_00ff_00ffn, -1n] : [];
    for (const one of edges) for (const other of edges) yield { name, args: [...one, ...other, ...third] };
  }
}

/** `extract_lane`, `replace_lane`: the first lane and the last. */
const laneRows = rows.filter(([name]) => /\.(?:extract|replace)_lane/.test(name)).map(([name]) => name);

function laneFunctions(name: string): string {
  const shape = name.split(".")[0] as Shape;
  const scalar = scalars[shape];
  return [0, lastLanes[shape]]
    .map((lane) =>
      name.includes("extract")
        ? `(func (export "${name} ${lane}") (param i64 i64) (result ${scalar}) (${name} ${lane} ${vector(0)}))`
        : vectorFunction(`${name} ${lane}`, 1, `(${name} ${lane} ${vector(0)} (local.get 2))`, scalar),
    )
    .join("\n");
}

function* laneCalls(name: string): Generator<Call> {
  const shape = name.split(".")[0] as Shape;
  const value = scalars[shape] === "i64" ? -2n : -2;
  for (const lane of [0, lastLanes[shape]]) {
    for (const one of edges)
      yield { name: `${name} ${lane}`, args: name.includes("replace") ? [...one, value] : one };
  }
}

const memoryRows = rows.filter(([, [, immediate]]) => immediate === "memarg");

function memoryFunction([name, row]: (typeof rows)[number]): string {
  const lane = row.length === 3 ? " 1" : "";
  if (row.length === 3 && /64/.test(name)) return memoryLane(name, " 0");
  if (row.length === 3) return memoryLane(name, lane);
  if (name === "v128.store") {
    return `(func (export "${name}") (param i64 i64 i32) (v128.store offset=2 (local.get 2) ${vector(0)}))`;
  }
  return vectorFunction(name, 0, `(${name} offset=2 align=1 (local.get 0))`, "i32");
}

function memoryLane(name: string, lane: string): string {
  const code = `(${name} offset=2 align=1${lane} (local.get 2) ${vector(0)})`;
  if (name.includes("load")) return vectorFunction(name, 1, code, "i32");
  return `(func (export "${name}") (param i64 i64 i32) ${code})`;
}

function* memoryCalls([name, row]: (typeof rows)[number]): Generator<Call> {
  const vectors = row.length === 3 || name === "v128.store" ? edges.slice(4, 6) : [[]];
  const addresses = [0, 1, 13, 65_518, 65_519, 65_520, 65_526, 65_532, 65_533, 65_534, -1, -3];
  for (const one of vectors) for (const at of addresses) yield { name, args: [...one, at] };
}

const reversed = [...Array(16).keys()].reverse().join(" ");
const crossed = [0, 31, 1, 30, 2, 29, 3, 28, 4, 27, 5, 26, 6, 25, 7, 24].join(" ");

const specified = [
  "reverse(0x0706050403020100n, 0x0f0e0d0c0b0a0908n, 0n, 0n) = 0x08090a0b0c0d0e0fn, 0x0001020304050607n",
  "i8x16.swizzle(0x0706050403020100n, 0x0f0e0d0c0b0a0908n, 0x1010101010101010n, 0n) = 0n, 0n",
  "constant() = 1n, 2n",
  "i8x16.add_sat_s(0x7fn, 0n, 1n, 0n) = 127n, 0n",
  "i8x16.sub_sat_u(0n, 0n, 1n, 0n) = 0n, 0n",
  "i8x16.avgr_u(255n, 0n, 254n, 0n) = 255n, 0n",
  "i16x8.q15mulr_sat_s(0x8000n, 0n, 0x8000n, 0n) = 0x7fffn, 0n",
  "i8x16.narrow_i16x8_u(0xffffn, 0n, 0x1ffn, 0n) = 0n, 255n",
  "i32x4.dot_i16x8_s(0x80008000n, 0n, 0x80008000n, 0n) = 0x80000000n, 0n",
  "i32x4.trunc_sat_f32x4_s(0x7fc00000n, 0n) = 0n, 0n",
  "i64x2.all_true(1n, 0n) = 0",
  "v128.any_true(1n, 0n) = 1",
  "i8x16.bitmask(128n, -9223372036854775808n) = 32769",
  "v128.load(65519) traps memory access out of bounds",
  "v128.load32_zero(65531) traps memory access out of bounds",
  "v128.store(1n, 2n, 65519) traps memory access out of bounds",
];

export const vectorCases: readonly Case[] = [
  {
    name: "vectors",
    module: `(module
      (memory (export "memory") 1)
      (data (i32.const 0) "\\00\\01\\7f\\80\\ff\\fe\\10\\20\\30\\40\\50\\60\\70\\90\\a0\\b0\\c0\\d0\\e0\\f0")
      (data (i32.const 65516) "\\81\\82\\83\\84\\85\\86\\87\\88\\89\\8a\\8b\\8c\\8d\\8e\\8f\\90\\91\\92\\93\\94")
      ${plain.map(([name]) => plainFunction(name)).join("\n")}
      ${laneRows.map(laneFunctions).join("\n")}
      ${memoryRows.map(memoryFunction).join("\n")}
      ${vectorFunction("constant", 0, "(v128.const i64x2 1 2)")}
      ${vectorFunction("reverse", 2, `(i8x16.shuffle ${reversed} ${vector(0)} ${vector(2)})`)}
      ${vectorFunction("cross", 2, `(i8x16.shuffle ${crossed} ${vector(0)} ${vector(2)})`)})`,
    calls: [
      ...specified.map(parseCall),
      ...plain.flatMap(([name]) => [...plainCalls(name)]),
      ...laneRows.flatMap((name) => [...laneCalls(name)]),
      ...memoryRows.flatMap((row) => [...memoryCalls(row)]),
      ...edges.map((one) => ({ name: "cross", args: [...one, ...(edges[5] ?? [])] })),
    ],
  },
];
