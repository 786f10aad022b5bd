import { emptyBlock, nextInstruction, type Scan, scanOf } from "./wasm/instructions.ts";
import type { FuncType, FunctionBody } from "./wasm/module.ts";
import { opcodes } from "./wasm/opcodes.ts";
import { stackEffects } from "./wasm/stack-effects.ts";

/** What of a function makes work for V8 that its size does not show. */
export type FunctionShape = {
  /** Parameters included. */
  readonly locals: number;
  /** Values on the operand stack at once. */
  readonly operands: number;
  /** Constructs inside each other. */
  readonly nesting: number;
  /** Of the block, loop or if with the most. */
  readonly blockParameters: number;
  /** Of the longest br_table, without its default. */
  readonly targets: number;
  /** (locals + operands + 1) at each place where control flow joins, summed; without operands (locals + 1) x (merges + 1). */
  readonly mergedValues: number;
  /** Values that branches and calls carry or leave in place, summed; parameters of a call squared, as V8's own work is. */
  readonly branchedValues: number;
};

/** The types that a module's instructions name: by type index, and by function index. */
export type Signatures = {
  readonly types: readonly FuncType[];
  readonly functions: readonly (FuncType | undefined)[];
};

/** A construct that is open: the stack below it, what a branch to it carries, and what it is from and to. */
type Frame = {
  readonly floor: number;
  readonly label: number;
  readonly params: number;
  readonly results: number;
};

const code = {
  unreachable: opcodes.unreachable[0],
  block: opcodes.block[0],
  loop: opcodes.loop[0],
  if: opcodes.if[0],
  else: opcodes.else[0],
  end: opcodes.end[0],
  br: opcodes.br[0],
  br_if: opcodes.br_if[0],
  br_table: opcodes.br_table[0],
  return: opcodes.return[0],
  call: opcodes.call[0],
  call_indirect: opcodes.call_indirect[0],
  return_call: opcodes.return_call[0],
  return_call_indirect: opcodes.return_call_indirect[0],
} as const;

/**
 * Measures a function in one pass. The body need not be valid: up to the first error, where V8 stops as
 * well, the measures are exact. Throws MalformedWasm for an instruction outside the allow-list.
 */
export function shapeOf(
  { locals: runs, body }: FunctionBody,
  type: FuncType,
  { types, functions }: Signatures,
): FunctionShape {
  const locals = runs.reduce((sum, run) => sum + run.count, type.params.length);
  const scan = scanOf(body);
  const frames: Frame[] = [];
  let top: Frame = { floor: 0, label: type.results.length, params: 0, results: type.results.length };
  let height = 0;
  let operands = 0;
  let nesting = 0;
  let blockParameters = 0;
  let targets = 0;
  let mergedValues = locals + 1;
  let branchedValues = 0;

  function pop(count: number): void {
    height = Math.max(top.floor, height - count);
  }

  function open(of: FuncType | undefined, isLoop: boolean): void {
    const params = of?.params.length ?? 0;
    const results = of?.results.length ?? 0;
    mergedValues += locals + Math.max(height, params) + results + 1;
    pop(params);
    frames.push(top);
    top = { floor: height, label: isLoop ? params : results, params, results };
    height += params;
    if (frames.length > nesting) nesting = frames.length;
    if (params > blockParameters) blockParameters = params;
  }

  function branch(label: number): void {
    const target = label === 0 ? top : frames[frames.length - label];
    branchedValues += locals + height + (target?.label ?? 0) + 1;
  }

  function call(of: FuncType | undefined): void {
    if (of === undefined) return;
    branchedValues += of.params.length ** 2 + of.results.length;
    pop(of.params.length);
    height += of.results.length;
  }

  function leave(values: number): void {
    branchedValues += values;
    height = top.floor;
  }

  function step(): void {
    switch (scan.code) {
      case code.block:
      case code.loop:
        open(blockType(scan, types), scan.code === code.loop);
        break;
      case code.if:
        pop(1);
        open(blockType(scan, types), false);
        break;
      case code.else:
        height = top.floor + top.params;
        mergedValues += locals + height + top.results + 1;
        break;
      case code.end:
        height = top.floor + top.results;
        top = frames.pop() ?? top;
        break;
      case code.br_if:
        pop(1);
        branch(scan.first);
        break;
      case code.br:
        branch(scan.first);
        leave(0);
        break;
      case code.br_table:
        pop(1);
        targets = Math.max(targets, scan.first);
        for (const label of new Set(scan.labels)) branch(label);
        leave(0);
        break;
      case code.return:
        leave(type.results.length);
        break;
      case code.unreachable:
        leave(0);
        break;
      case code.call:
        call(functions[scan.first]);
        break;
      case code.call_indirect:
        pop(1);
        call(types[scan.first]);
        break;
      case code.return_call:
        call(functions[scan.first]);
        leave(type.results.length);
        break;
      case code.return_call_indirect:
        pop(1);
        call(types[scan.first]);
        leave(type.results.length);
        break;
      default:
        height = Math.max(top.floor, height + (stackEffects[scan.code] as number));
    }
  }

  while (nextInstruction(scan)) {
    step();
    if (height > operands) operands = height;
  }
  return { locals, operands, nesting, blockParameters, targets, mergedValues, branchedValues };
}

const oneResult: FuncType = { params: [], results: [0] };

/** Undefined for a block without parameters and results, and for an index that does not exist. */
function blockType(scan: Scan, types: readonly FuncType[]): FuncType | undefined {
  if (scan.first >= 0) return types[scan.first];
  return scan.first === emptyBlock - 0x80 ? undefined : oneResult;
}
