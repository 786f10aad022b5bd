import { emptyBlock } from "./instructions.ts";
import type { ValType } from "./module.ts";
import { type ImmediateKind, type OpcodeName, opcodes } from "./opcodes.ts";
import {
  createWriter,
  type Writer,
  writeByte,
  writeBytes,
  writeS32,
  writeS33,
  writeS64,
  writeU32,
  written,
} from "./writer.ts";

/** `align` is the exponent of two. */
export type Memarg = { readonly align: number; readonly offset: number; readonly memory?: number };

/** A type index, one value type, or nothing. */
export type BlockType = { readonly type: number } | { readonly result: ValType } | null;

type ImmediateValue<K> = K extends "memarg"
  ? Memarg
  : K extends "blockType"
    ? BlockType
    : K extends "labels"
      ? { readonly targets: readonly number[]; readonly otherwise: number }
      : K extends "i64"
        ? bigint
        : K extends "bytes16"
          ? Uint8Array
          : K extends "valTypes"
            ? readonly ValType[]
            : number;

type ImmediateValues<T> = T extends readonly [number, ...infer Kinds]
  ? { [I in keyof Kinds]: ImmediateValue<Kinds[I]> }
  : never;

/** The immediates of an instruction, in the order of the text format. */
export type Operands<N extends OpcodeName> = ImmediateValues<(typeof opcodes)[N]>;

/** One instruction as data: `["i32.const", 5]`, `["i32.load", { align: 2, offset: 8 }]`, `["end"]`. */
export type Instruction = { [N in OpcodeName]: readonly [N, ...Operands<N>] }[OpcodeName];

/** Writes one instruction. */
export function emit<N extends OpcodeName>(out: Writer, name: N, ...operands: Operands<N>): void {
  const [code, ...kinds] = opcodes[name] as readonly [number, ...ImmediateKind[]];
  writeCode(out, code);
  const values: readonly unknown[] = operands;
  for (const [index, kind] of kinds.entries()) writeOperand(out, kind, values[index]);
}

/** The bytes of a sequence of instructions, as a body or constant expression needs them when the last is `["end"]`. */
export function assemble(instructions: readonly Instruction[]): Uint8Array {
  const out = createWriter();
  for (const [name, ...operands] of instructions) emit(out, name, ...(operands as Operands<typeof name>));
  return written(out);
}

function writeCode(out: Writer, code: number): void {
  if (code < 0x100) {
    writeByte(out, code);
    return;
  }
  writeByte(out, code < 0x200 ? 0xfc : 0xfd);
  writeU32(out, code & 0xff);
}

function writeOperand(out: Writer, kind: ImmediateKind, value: unknown): void {
  switch (kind) {
    case "i32":
      writeS32(out, value as number);
      break;
    case "i64":
      writeS64(out, value as bigint);
      break;
    case "f32":
      writeFloat(out, 4, (view) => view.setFloat32(0, value as number, true));
      break;
    case "f64":
      writeFloat(out, 8, (view) => view.setFloat64(0, value as number, true));
      break;
    case "bytes16":
      writeBytes(out, value as Uint8Array);
      break;
    case "memarg":
      writeMemarg(out, value as Memarg);
      break;
    case "blockType":
      writeBlockType(out, value as BlockType);
      break;
    case "labels":
      writeLabels(out, value as ImmediateValue<"labels">);
      break;
    case "valTypes":
      writeU32(out, (value as readonly ValType[]).length);
      writeBytes(out, Uint8Array.from(value as readonly ValType[]));
      break;
    case "lane":
    case "refType":
      writeByte(out, value as number);
      break;
    case "label":
    case "local":
    case "type":
    case "func":
    case "table":
    case "global":
    case "memory":
    case "elem":
    case "data":
      writeU32(out, value as number);
      break;
    default:
      kind satisfies never;
  }
}

function writeFloat(out: Writer, bytes: number, set: (view: DataView) => void): void {
  const view = new DataView(new ArrayBuffer(bytes));
  set(view);
  writeBytes(out, new Uint8Array(view.buffer));
}

function writeMemarg(out: Writer, { align, offset, memory = 0 }: Memarg): void {
  writeU32(out, memory === 0 ? align : align | 0x40);
  if (memory !== 0) writeU32(out, memory);
  writeU32(out, offset);
}

function writeBlockType(out: Writer, type: BlockType): void {
  if (type === null) writeByte(out, emptyBlock);
  else if ("result" in type) writeByte(out, type.result);
  else writeS33(out, type.type);
}

function writeLabels(out: Writer, { targets, otherwise }: ImmediateValue<"labels">): void {
  writeU32(out, targets.length);
  for (const target of targets) writeU32(out, target);
  writeU32(out, otherwise);
}
