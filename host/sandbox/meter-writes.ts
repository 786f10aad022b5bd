import type { Injected } from "./meter-layout.ts";
import { assemble, emit, type Instruction } from "./wasm/emit.ts";
import type { Scan } from "./wasm/instructions.ts";
import type { FunctionBody, ValType } from "./wasm/module.ts";
import { codeCount, type OpcodeName, opcodes } from "./wasm/opcodes.ts";
import { resultlessCodes, stackEffects, structuralCodes } from "./wasm/stack-effects.ts";
import { f32, f64, i32, i64, v128 } from "./wasm/value-types.ts";
import type { Writer } from "./wasm/writer.ts";

/** What one mark stands for: a piece of the memory of so many bytes, and the next. */
export const chunkShift = 10;
export const chunkBytes = 2 ** chunkShift;

/** The memory of the marks, a byte for each chunk. Original code can name no other memory than its own. */
const marksMemory = 1;

/** The longest write of one instruction, v128.store. */
const longestWrite = 16;

/** A write that begins so far behind a marked address lies in the two chunks of its mark. */
const reach = chunkBytes - longestWrite;

/**
 * Marks what one function writes. A mark stands before a write, or before an earlier one over the same local on the
 * only way to it: compilers write the members of a struct one after another.
 */
export type WriteMarks = {
  /** Locals that the marks need, behind all others. */
  readonly locals: FunctionBody["locals"];
  /** Whether the instruction under the scan is a store that needs a mark before it. */
  isDue(scan: Scan): boolean;
  /** Writes that mark. */
  writeStore(out: Writer, scan: Scan): void;
  /** Writes the mark of a bulk instruction: address, something, and length are on the stack and stay there. */
  writeRange(out: Writer): void;
  /** The instruction under the scan was passed. */
  step(scan: Scan): void;
};

/** By code: the type of what a store writes; 0 for all other instructions. */
const storedTypes = typesOfStores();

/** Where ways meet: what holds before need not hold behind. */
const joins: ReadonlySet<number> = new Set([opcodes.loop[0], opcodes.else[0], opcodes.end[0]]);

const code = {
  localGet: opcodes["local.get"][0],
  localSet: opcodes["local.set"][0],
  localTee: opcodes["local.tee"][0],
} as const;

/** No local, or an unknown one. */
const unknown = -1;

/** By local: the number of the run of instructions in which it was marked last. Shared, because one is made per function. */
let markedIn = new Float64Array(64);
let run = 0;

export type Marking = {
  readonly injected: Injected;
  /** Of the original function, parameters included. */
  readonly localCount: number;
  /** Locals from this index on moved by one. */
  readonly movedFrom: number;
  /** The first local that is free. */
  readonly free: number;
};

export function createWriteMarks({ injected, localCount, movedFrom, free }: Marking): WriteMarks {
  const locals: { count: number; type: ValType }[] = [];
  /** The locals that the topmost operands were read from. */
  const origins: number[] = [];
  if (markedIn.length < localCount) markedIn = new Float64Array(2 * localCount);
  run += 1;

  /** A local of the marks' own; of one type there are several, by `nth`. */
  function own(type: ValType, nth = 0): number {
    let found = -1;
    for (let seen = 0; seen <= nth; seen++) {
      found = locals.findIndex((local, at) => at > found && local.type === type);
      if (found < 0) found = locals.push({ count: 1, type }) - 1;
    }
    return free + found;
  }

  /** A local gets the value of another, or an unknown one: what is known of its old value holds for it no more. */
  function assign(local: number, from: number): void {
    markedIn[local] = from !== unknown && markedIn[from] === run ? run : 0;
    for (let at = 0; at < origins.length; at++) if (origins[at] === local) origins[at] = unknown;
  }

  /** The local that a store's address was read from. */
  function baseOf(): number {
    return origins[origins.length - 2] ?? unknown;
  }

  function writeStore(out: Writer, { code: stored, offset }: Scan): void {
    const base = baseOf();
    if (base !== unknown) {
      emit(out, "local.get", base >= movedFrom ? base + 1 : base);
      writeMark(out, offset < reach ? 0 : offset);
      if (offset < reach) markedIn[base] = run;
      return;
    }
    const address = own(i32);
    const value = own(storedTypes[stored] as ValType, storedTypes[stored] === i32 ? 1 : 0);
    emit(out, "local.set", value);
    emit(out, "local.tee", address);
    emit(out, "local.get", address);
    writeMark(out, offset < reach ? 0 : offset);
    emit(out, "local.get", value);
  }

  function writeRange(out: Writer): void {
    const [address, source, length] = [own(i32), own(i32, 1), own(i32, 2)];
    emit(out, "local.set", length);
    emit(out, "local.set", source);
    emit(out, "local.tee", address);
    emit(out, "local.get", address);
    emit(out, "local.get", length);
    emit(out, "call", injected.markRange);
    emit(out, "local.get", source);
    emit(out, "local.get", length);
  }

  return {
    locals,
    writeStore,
    writeRange,
    isDue({ code: one, offset }) {
      if (storedTypes[one] === 0) return false;
      const base = baseOf();
      return base === unknown || offset >= reach || markedIn[base] !== run;
    },
    step(scan) {
      const { code: one, first } = scan;
      if (structuralCodes[one] === 1) {
        origins.length = 0;
        if (joins.has(one)) run += 1;
      } else if (one === code.localGet) {
        origins.push(first);
      } else if (one === code.localSet || one === code.localTee) {
        assign(first, origins.pop() ?? unknown);
        if (one === code.localTee) origins.push(first);
      } else {
        const height = origins.length + (stackEffects[one] as number);
        if (height > origins.length) origins.push(unknown);
        else {
          origins.length = Math.max(0, height);
          if (resultlessCodes[one] === 0 && height > 0) origins[height - 1] = unknown;
        }
      }
    },
  };
}

/** Takes an address from the stack. */
function writeMark(out: Writer, offset: number): void {
  if (offset > 0) {
    emit(out, "i32.const", offset);
    emit(out, "i32.add");
  }
  emit(out, "i32.const", chunkShift);
  emit(out, "i32.shr_u");
  emit(out, "i32.const", 1);
  emit(out, "i32.store8", { align: 0, offset: 0, memory: marksMemory });
}

/**
 * (address, length) -> (): marks every chunk of a range. One that wraps around is left to the instruction behind it, which
 * traps; one beyond the marks lies beyond any memory, and traps here already.
 */
export function markRange(): FunctionBody {
  const last: readonly Instruction[] = [
    ["local.get", 0],
    ["local.get", 1],
    ["i32.add"],
    ["i32.const", 1],
    ["i32.sub"],
  ];
  const chunkOf: readonly Instruction[] = [["i32.const", chunkShift], ["i32.shr_u"]];
  const body = assemble([
    ["local.get", 1],
    ["i32.eqz"],
    ...last,
    ["local.get", 0],
    ["i32.lt_u"],
    ["i32.or"],
    ["if", null],
    ["return"],
    ["end"],
    ["local.get", 0],
    ...chunkOf,
    ["i32.const", 1],
    ...last,
    ...chunkOf,
    ["local.get", 0],
    ...chunkOf,
    ["i32.sub"],
    ["i32.const", 1],
    ["i32.add"],
    ["memory.fill", marksMemory],
    ["end"],
  ]);
  return { locals: [], body };
}

function typesOfStores(): Uint8Array {
  const table = new Uint8Array(codeCount);
  const types: Readonly<Record<string, ValType>> = { i32, i64, f32, f64, v128 };
  for (const [name, [at]] of Object.entries(opcodes) as [OpcodeName, readonly [number]][]) {
    const [type = "", operation = ""] = name.split(".");
    if (operation.startsWith("store")) table[at] = types[type] as ValType;
  }
  return table;
}
