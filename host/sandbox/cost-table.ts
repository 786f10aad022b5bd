import { codeCount, type OpcodeName, opcodes } from "./wasm/opcodes.ts";

/** Names the rules of meter and cost table together: a module prepared under another version is stale. */
export const meterVersion = 4;

/**
 * What a program pays, in units of one simple instruction; optimised code runs 15 to 30 in a nanosecond. Everything
 * is a constant of the program, never a measurement, so that the same call costs the same on every machine.
 */
export const costs = {
  /** Each entry of a function, beside its locals: frame, stack check, return. */
  functionEntry: 2,
  /** V8 zeroes locals at entry, 8 to 16 bytes each. */
  localsPerUnit: 4,
  /** Each turn of a loop, beside its instructions. */
  loopTurn: 1,
  /** Bulk memory instructions, beside their own cost: 64 MiB are filled in 2.2 ms. */
  bytesPerUnit: 16,
  /** Bulk table instructions: a reference is stored with a write barrier, and `table.init` looks each one up, in 20 ns. */
  unitsPerElement: 16,
  /** memory.grow: 64 KiB that the kernel zeroes when they are first touched. */
  unitsPerPage: 4_096,
} as const;

/** The instructions that are not one unit. Structure costs nothing by itself: V8 emits no code for it. */
const exceptions: Partial<Record<OpcodeName, number>> = {
  nop: 0,
  block: 0,
  else: 0,
  end: 0,
  loop: 0,
  br_table: 3,
  call: 2,
  call_indirect: 6,
  return_call: 2,
  return_call_indirect: 6,
  "i32.div_s": 6,
  "i32.div_u": 6,
  "i32.rem_s": 6,
  "i32.rem_u": 6,
  "i64.div_s": 10,
  "i64.div_u": 10,
  "i64.rem_s": 10,
  "i64.rem_u": 10,
  "f32.div": 4,
  "f64.div": 4,
  "f32.sqrt": 6,
  "f64.sqrt": 6,
  "f32x4.div": 6,
  "f64x2.div": 6,
  "f32x4.sqrt": 8,
  "f64x2.sqrt": 8,
  "i64x2.mul": 4,
  "i8x16.shuffle": 2,
  "table.get": 2,
  "table.set": 4,
  // These leave compiled code for V8's runtime.
  "memory.grow": 500,
  "table.grow": 200,
  "memory.fill": 20,
  "memory.copy": 20,
  "memory.init": 20,
  "data.drop": 10,
  "table.fill": 40,
  "table.copy": 40,
  "table.init": 40,
  "elem.drop": 10,
  "ref.func": 20,
};

/** Units of one execution of an instruction, by code. */
export const instructionCosts: Uint16Array = costsByCode();

function costsByCode(): Uint16Array {
  const table = new Uint16Array(codeCount).fill(1);
  for (const [name, cost] of Object.entries(exceptions)) table[opcodes[name as OpcodeName][0]] = cost;
  return table;
}
