import { simdOpcodes } from "./simd-opcodes.ts";

/**
 * One immediate of an instruction. `type` to `data` are indices into the space of that name,
 * `memarg` is alignment, optional memory index and offset, `bytes16` is a v128 or sixteen lanes.
 */
export type ImmediateKind =
  | "blockType"
  | "label"
  | "labels"
  | "local"
  | "type"
  | "func"
  | "table"
  | "global"
  | "memory"
  | "elem"
  | "data"
  | "memarg"
  | "lane"
  | "i32"
  | "i64"
  | "f32"
  | "f64"
  | "bytes16"
  | "valTypes"
  | "refType";

type Row = readonly [code: number, ...immediates: ImmediateKind[]];

/**
 * The instructions that are admitted, by the name of the text format. A code is the opcode byte, or
 * 0x100 + n after the prefix 0xfc, or 0x200 + n after 0xfd.
 * Source: WebAssembly core specification 3.0, appendix "Index of Instructions".
 */
// biome-ignore format: a table reads best as in the specification
export const opcodes = {
  unreachable: [0x00], nop: [0x01],
  block: [0x02, "blockType"], loop: [0x03, "blockType"], if: [0x04, "blockType"], else: [0x05], end: [0x0b],
  br: [0x0c, "label"], br_if: [0x0d, "label"], br_table: [0x0e, "labels"], return: [0x0f],
  call: [0x10, "func"], call_indirect: [0x11, "type", "table"],
  return_call: [0x12, "func"], return_call_indirect: [0x13, "type", "table"],
  drop: [0x1a], select: [0x1b], "select t": [0x1c, "valTypes"],
  "local.get": [0x20, "local"], "local.set": [0x21, "local"], "local.tee": [0x22, "local"],
  "global.get": [0x23, "global"], "global.set": [0x24, "global"],
  "table.get": [0x25, "table"], "table.set": [0x26, "table"],
  "i32.load": [0x28, "memarg"], "i64.load": [0x29, "memarg"],
  "f32.load": [0x2a, "memarg"], "f64.load": [0x2b, "memarg"],
  "i32.load8_s": [0x2c, "memarg"], "i32.load8_u": [0x2d, "memarg"],
  "i32.load16_s": [0x2e, "memarg"], "i32.load16_u": [0x2f, "memarg"],
  "i64.load8_s": [0x30, "memarg"], "i64.load8_u": [0x31, "memarg"],
  "i64.load16_s": [0x32, "memarg"], "i64.load16_u": [0x33, "memarg"],
  "i64.load32_s": [0x34, "memarg"], "i64.load32_u": [0x35, "memarg"],
  "i32.store": [0x36, "memarg"], "i64.store": [0x37, "memarg"],
  "f32.store": [0x38, "memarg"], "f64.store": [0x39, "memarg"],
  "i32.store8": [0x3a, "memarg"], "i32.store16": [0x3b, "memarg"],
  "i64.store8": [0x3c, "memarg"], "i64.store16": [0x3d, "memarg"], "i64.store32": [0x3e, "memarg"],
  "memory.size": [0x3f, "memory"], "memory.grow": [0x40, "memory"],
  "i32.const": [0x41, "i32"], "i64.const": [0x42, "i64"], "f32.const": [0x43, "f32"], "f64.const": [0x44, "f64"],
  "i32.eqz": [0x45], "i32.eq": [0x46], "i32.ne": [0x47], "i32.lt_s": [0x48], "i32.lt_u": [0x49], "i32.gt_s": [0x4a],
  "i32.gt_u": [0x4b], "i32.le_s": [0x4c], "i32.le_u": [0x4d], "i32.ge_s": [0x4e], "i32.ge_u": [0x4f],
  "i64.eqz": [0x50], "i64.eq": [0x51], "i64.ne": [0x52], "i64.lt_s": [0x53], "i64.lt_u": [0x54], "i64.gt_s": [0x55],
  "i64.gt_u": [0x56], "i64.le_s": [0x57], "i64.le_u": [0x58], "i64.ge_s": [0x59], "i64.ge_u": [0x5a],
  "f32.eq": [0x5b], "f32.ne": [0x5c], "f32.lt": [0x5d], "f32.gt": [0x5e], "f32.le": [0x5f], "f32.ge": [0x60],
  "f64.eq": [0x61], "f64.ne": [0x62], "f64.lt": [0x63], "f64.gt": [0x64], "f64.le": [0x65], "f64.ge": [0x66],
  "i32.clz": [0x67], "i32.ctz": [0x68], "i32.popcnt": [0x69], "i32.add": [0x6a], "i32.sub": [0x6b], "i32.mul": [0x6c],
  "i32.div_s": [0x6d], "i32.div_u": [0x6e], "i32.rem_s": [0x6f], "i32.rem_u": [0x70],
  "i32.and": [0x71], "i32.or": [0x72], "i32.xor": [0x73],
  "i32.shl": [0x74], "i32.shr_s": [0x75], "i32.shr_u": [0x76], "i32.rotl": [0x77], "i32.rotr": [0x78],
  "i64.clz": [0x79], "i64.ctz": [0x7a], "i64.popcnt": [0x7b], "i64.add": [0x7c], "i64.sub": [0x7d], "i64.mul": [0x7e],
  "i64.div_s": [0x7f], "i64.div_u": [0x80], "i64.rem_s": [0x81], "i64.rem_u": [0x82],
  "i64.and": [0x83], "i64.or": [0x84], "i64.xor": [0x85],
  "i64.shl": [0x86], "i64.shr_s": [0x87], "i64.shr_u": [0x88], "i64.rotl": [0x89], "i64.rotr": [0x8a],
  "f32.abs": [0x8b], "f32.neg": [0x8c], "f32.ceil": [0x8d], "f32.floor": [0x8e], "f32.trunc": [0x8f],
  "f32.nearest": [0x90], "f32.sqrt": [0x91], "f32.add": [0x92], "f32.sub": [0x93], "f32.mul": [0x94],
  "f32.div": [0x95], "f32.min": [0x96], "f32.max": [0x97], "f32.copysign": [0x98],
  "f64.abs": [0x99], "f64.neg": [0x9a], "f64.ceil": [0x9b], "f64.floor": [0x9c], "f64.trunc": [0x9d],
  "f64.nearest": [0x9e], "f64.sqrt": [0x9f], "f64.add": [0xa0], "f64.sub": [0xa1], "f64.mul": [0xa2],
  "f64.div": [0xa3], "f64.min": [0xa4], "f64.max": [0xa5], "f64.copysign": [0xa6],
  "i32.wrap_i64": [0xa7], "i32.trunc_f32_s": [0xa8], "i32.trunc_f32_u": [0xa9],
  "i32.trunc_f64_s": [0xaa], "i32.trunc_f64_u": [0xab], "i64.extend_i32_s": [0xac], "i64.extend_i32_u": [0xad],
  "i64.trunc_f32_s": [0xae], "i64.trunc_f32_u": [0xaf], "i64.trunc_f64_s": [0xb0], "i64.trunc_f64_u": [0xb1],
  "f32.convert_i32_s": [0xb2], "f32.convert_i32_u": [0xb3], "f32.convert_i64_s": [0xb4], "f32.convert_i64_u": [0xb5],
  "f32.demote_f64": [0xb6],
  "f64.convert_i32_s": [0xb7], "f64.convert_i32_u": [0xb8], "f64.convert_i64_s": [0xb9], "f64.convert_i64_u": [0xba],
  "f64.promote_f32": [0xbb],
  "i32.reinterpret_f32": [0xbc], "i64.reinterpret_f64": [0xbd],
  "f32.reinterpret_i32": [0xbe], "f64.reinterpret_i64": [0xbf],
  "i32.extend8_s": [0xc0], "i32.extend16_s": [0xc1],
  "i64.extend8_s": [0xc2], "i64.extend16_s": [0xc3], "i64.extend32_s": [0xc4],
  "ref.null": [0xd0, "refType"], "ref.is_null": [0xd1], "ref.func": [0xd2, "func"],
  "i32.trunc_sat_f32_s": [0x100], "i32.trunc_sat_f32_u": [0x101],
  "i32.trunc_sat_f64_s": [0x102], "i32.trunc_sat_f64_u": [0x103],
  "i64.trunc_sat_f32_s": [0x104], "i64.trunc_sat_f32_u": [0x105],
  "i64.trunc_sat_f64_s": [0x106], "i64.trunc_sat_f64_u": [0x107],
  "memory.init": [0x108, "data", "memory"], "data.drop": [0x109, "data"],
  "memory.copy": [0x10a, "memory", "memory"], "memory.fill": [0x10b, "memory"],
  "table.init": [0x10c, "elem", "table"], "elem.drop": [0x10d, "elem"],
  "table.copy": [0x10e, "table", "table"], "table.grow": [0x10f, "table"],
  "table.size": [0x110, "table"], "table.fill": [0x111, "table"],
  ...simdOpcodes,
} as const satisfies Record<string, Row>;

export type OpcodeName = keyof typeof opcodes;

/** Codes are below this, so that a table by code may be a flat array. */
export const codeCount = 0x300;

const rows: readonly (readonly [OpcodeName, Row])[] = Object.entries(opcodes) as [OpcodeName, Row][];

/** By code: the name, or undefined where no instruction is admitted. */
export const opcodeNames: readonly (OpcodeName | undefined)[] = byCode((name) => name);

/** By code: the immediates in their order, or undefined where no instruction is admitted. */
export const opcodeImmediates: readonly (readonly ImmediateKind[] | undefined)[] = byCode(
  (_name, [, ...immediates]) => immediates,
);

function byCode<T>(value: (name: OpcodeName, row: Row) => T): (T | undefined)[] {
  const table = new Array<T | undefined>(codeCount).fill(undefined);
  for (const [name, row] of rows) table[row[0]] = value(name, row);
  return table;
}
