import { callLimits } from "#host/limits.ts";
import type { Instruction } from "./wasm/emit.ts";
import type { ValType } from "./wasm/module.ts";
import { i32, i64 } from "./wasm/value-types.ts";

/**
 * The kernel's functions. Memory from `floor` up holds blocks, one after the other:
 *
 *     i32 length | i32 offset ^ tag | the bytes, padded to 8
 *
 * A plugin may write everywhere between `floor` and `high`, headers included, as with the native kernel. So a
 * header proves nothing: `length_of` never answers more than what lies below `high`, and no function
 * follows one header to the next. There is no loop; the longest work is one fill of what was used.
 */

/** A function of the kernel; bodies call each other by name. */
export type KernelFunction = {
  readonly params: readonly ValType[];
  readonly results: readonly ValType[];
  readonly locals?: readonly ValType[];
  readonly body: (call: (name: string) => Instruction) => readonly Code[];
};

type Code = Instruction | readonly Code[];

/** Mutable i32 globals, in index order, all `initial` at the start of a call. */
export const kernelGlobals = [
  /** Where the next block goes. */
  { name: "top", initial: 16 },
  /** The highest `top` of this call: what lies above was never written. */
  { name: "high", initial: 16 },
  { name: "input", initial: 0 },
  { name: "inputLength", initial: 0 },
  { name: "output", initial: 0 },
  { name: "outputLength", initial: 0 },
  { name: "error", initial: 0 },
] as const;

type GlobalName = (typeof kernelGlobals)[number]["name"];

export const floor = 16;
const headerBytes = 8;
const tag = 0x5a6e7361;
const memoryBytes = callLimits.kernelPages * 65_536;

const local = (index: number): Instruction => ["local.get", index];
const setLocal = (index: number, value: Code): Code => [value, ["local.set", index]];
const globalIndex = (name: GlobalName) => kernelGlobals.findIndex((global) => global.name === name);
const global = (name: GlobalName): Instruction => ["global.get", globalIndex(name)];
const setGlobal = (name: GlobalName, value: Code): Code => [value, ["global.set", globalIndex(name)]];
const int = (value: number): Instruction => ["i32.const", value];
const long = (value: number): Instruction => ["i64.const", BigInt(value)];
const when = (condition: Code, ...then: Code[]): Code => [condition, ["if", null], then, ["end"]];
const giveUp = (condition: Code, ...value: Code[]): Code => when(condition, value, ["return"]);
const plus = (left: Code, right: Code): Code => [left, right, ["i32.add"]];
const minus = (left: Code, right: Code): Code => [left, right, ["i32.sub"]];
const widen = (value: Code): Code => [value, ["i64.extend_i32_u"]];
const narrow = (value: Code): Code => [value, ["i32.wrap_i64"]];
const sizeInBytes: Code = [["memory.size", 0], int(16), ["i32.shl"]];
/** As if the memory had grown for this call alone: how large it is tells of the calls before. */
const usedPagesInBytes: Code = [global("high"), int(65_535), ["i32.add"], int(-65_536), ["i32.and"]];
const at = (offset: number) => ({ align: 0, offset });
/** Where the block of `length` bytes at `offset` ends, padding included. */
const endOf = (offset: Code, length: Code): Code => [
  plus(plus(offset, length), int(7)),
  int(-8),
  ["i32.and"],
];
/** An i64 offset as i32; 0 when it lies outside any memory of ours. */
const near = (offset: Code): Code => [
  narrow(offset),
  int(0),
  offset,
  long(memoryBytes),
  ["i64.le_u"],
  ["select"],
];
const answer = (value: Code): KernelFunction => ({ params: [], results: [i64], body: () => [widen(value)] });
const show = (name: GlobalName): KernelFunction => ({
  params: [],
  results: [i32],
  body: () => [global(name)],
});

/** 1 when `length` bytes at the i64 offset lie between floor and high. */
const holds: KernelFunction = {
  params: [i64, i32],
  results: [i32],
  body: () => [
    [local(0), long(floor), ["i64.ge_u"]],
    [local(0), widen(minus(global("high"), local(1))), ["i64.le_u"]],
    ["i32.and"],
  ],
};

/** A block of so many bytes: its offset, or 0 when there is no room or nothing was asked for. */
const take: KernelFunction = {
  params: [i32],
  results: [i32],
  locals: [i32, i32],
  body: () => {
    const [length, offset, end] = [local(0), local(1), local(2)];
    return [
      giveUp([length, ["i32.eqz"]], int(0)),
      giveUp([length, int(memoryBytes), ["i32.gt_u"]], int(0)),
      setLocal(1, plus(global("top"), int(headerBytes))),
      setLocal(2, endOf(offset, length)),
      // Asking V8 for what it must refuse costs half a microsecond, which the plugin does not pay.
      giveUp([end, int(memoryBytes), ["i32.gt_u"]], int(0)),
      when(
        [end, sizeInBytes, ["i32.gt_u"]],
        [minus(plus(end, int(65_535)), sizeInBytes), int(16), ["i32.shr_u"], ["memory.grow", 0]],
        giveUp([int(-1), ["i32.eq"]], int(0)),
      ),
      [minus(offset, int(8)), length, ["i32.store", at(0)]],
      [minus(offset, int(4)), offset, int(tag), ["i32.xor"], ["i32.store", at(0)]],
      setGlobal("top", end),
      when([end, global("high"), ["i32.gt_u"]], setGlobal("high", end)),
      offset,
    ];
  },
};

/** Length of the block at an i32 offset; 0 for an offset that is none. */
const lengthOf: KernelFunction = {
  params: [i32],
  results: [i32],
  locals: [i32],
  body: () => [
    giveUp([local(0), int(floor + headerBytes), ["i32.lt_u"]], int(0)),
    giveUp([local(0), global("high"), ["i32.ge_u"]], int(0)),
    giveUp(
      [minus(local(0), int(4)), ["i32.load", at(0)], local(0), int(tag), ["i32.xor"], ["i32.ne"]],
      int(0),
    ),
    setLocal(1, [minus(local(0), int(8)), ["i32.load", at(0)]]),
    giveUp([local(1), minus(global("high"), local(0)), ["i32.gt_u"]], int(0)),
    local(1),
  ],
};

const length: KernelFunction = {
  params: [i64],
  results: [i64],
  body: (call) => [widen([near(local(0)), call("length_of")])],
};

/** Only the last block gives its room back; any other stays until the reset. */
const free: KernelFunction = {
  params: [i64],
  results: [],
  locals: [i32, i32],
  body: (call) => [
    setLocal(1, near(local(0))),
    setLocal(2, [local(1), call("length_of")]),
    giveUp([local(2), ["i32.eqz"]]),
    [minus(local(1), int(8)), long(0), ["i64.store", at(0)]],
    when([local(1), global("input"), ["i32.eq"]], setGlobal("inputLength", int(0))),
    when(
      [global("top"), endOf(local(1), local(2)), ["i32.eq"]],
      setGlobal("top", minus(local(1), int(headerBytes))),
    ),
  ],
};

function load(type: ValType, bytes: number, instruction: Instruction, zero: Instruction): KernelFunction {
  return {
    params: [i64],
    results: [type],
    body: (call) => [
      giveUp([local(0), int(bytes), call("holds"), ["i32.eqz"]], zero),
      [narrow(local(0)), instruction],
    ],
  };
}

function store(type: ValType, bytes: number, instruction: Instruction): KernelFunction {
  return {
    params: [i64, type],
    results: [],
    body: (call) => [when([local(0), int(bytes), call("holds")], narrow(local(0)), local(1), instruction)],
  };
}

function loadInput(
  type: ValType,
  bytes: number,
  instruction: Instruction,
  zero: Instruction,
): KernelFunction {
  return {
    params: [i64],
    results: [type],
    body: () => [
      giveUp([global("inputLength"), int(bytes), ["i32.lt_u"]], zero),
      giveUp([local(0), widen(minus(global("inputLength"), int(bytes))), ["i64.gt_u"]], zero),
      [plus(global("input"), narrow(local(0))), instruction],
    ],
  };
}

const setOutput: KernelFunction = {
  params: [i64, i64],
  results: [],
  body: (call) => [
    giveUp([local(0), int(0), call("holds"), ["i32.eqz"]]),
    giveUp([local(1), widen(global("high")), local(0), ["i64.sub"], ["i64.gt_u"]]),
    setGlobal("output", narrow(local(0))),
    setGlobal("outputLength", narrow(local(1))),
  ],
};

const setError: KernelFunction = {
  params: [i64],
  results: [],
  body: (call) => [
    when(
      [local(0), ["i64.eqz"], local(0), int(1), call("holds"), ["i32.or"]],
      setGlobal("error", narrow(local(0))),
    ),
  ],
};

/** For a memory that is zero above `floor`. */
const forget: KernelFunction = {
  params: [],
  results: [],
  body: () => kernelGlobals.map(({ name, initial }) => setGlobal(name, int(initial))),
};

const reset: KernelFunction = {
  params: [],
  results: [],
  body: (call) => [
    [int(floor), int(0), minus(global("high"), int(floor)), ["memory.fill", 0]],
    call("forget"),
  ],
};

/** Puts a block for the input into a memory that was reset: its offset, or 0. */
const begin: KernelFunction = {
  params: [i32],
  results: [i32],
  locals: [i32],
  body: (call) => [
    setLocal(1, [local(0), call("take")]),
    when(local(1), setGlobal("input", local(1)), setGlobal("inputLength", local(0))),
    local(1),
  ],
};

/** What plugins import from `extism:host/env`, by name. Semantics: the native Extism kernel's. */
export const guestFunctions = {
  alloc: { params: [i64], results: [i64], body: (call) => [widen([near(local(0)), call("take")])] },
  free,
  length,
  length_unsafe: length,
  load_u8: load(i32, 1, ["i32.load8_u", at(0)], int(0)),
  load_u64: load(i64, 8, ["i64.load", at(0)], long(0)),
  store_u8: store(i32, 1, ["i32.store8", at(0)]),
  store_u64: store(i64, 8, ["i64.store", at(0)]),
  input_length: answer(global("inputLength")),
  input_offset: answer(global("input")),
  input_load_u8: loadInput(i32, 1, ["i32.load8_u", at(0)], int(0)),
  input_load_u64: loadInput(i64, 8, ["i64.load", at(0)], long(0)),
  output_set: setOutput,
  output_offset: answer(global("output")),
  output_length: answer(global("outputLength")),
  error_set: setError,
  error_get: answer(global("error")),
  memory_bytes: answer(usedPagesInBytes),
} satisfies Record<string, KernelFunction>;

/** The host's side doors, with i32 so that no BigInt is made. */
export const hostFunctions = {
  holds,
  take,
  length_of: lengthOf,
  forget,
  reset,
  begin,
  output_at: show("output"),
  output_size: show("outputLength"),
  error_at: show("error"),
  used: show("high"),
} satisfies Record<string, KernelFunction>;
