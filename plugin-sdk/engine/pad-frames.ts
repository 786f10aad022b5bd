import { emit } from "../../host/sandbox/wasm/emit.ts";
import { nextInstruction, scanOf } from "../../host/sandbox/wasm/instructions.ts";
import type { FuncType, FunctionBody, WasmModule } from "../../host/sandbox/wasm/module.ts";
import { opcodes } from "../../host/sandbox/wasm/opcodes.ts";
import { createWriter, type Writer, writeBytes, written } from "../../host/sandbox/wasm/writer.ts";
import { recursiveFunctions } from "./recursive-functions.ts";

/**
 * A recursive plugin must end in a RangeError of its own, not in a trap. QuickJS counts the depth by its stack in linear
 * memory, but what runs out is the stack of the host's wasm engine, and the two grow at different rates: a level of
 * JSON.parse takes 50 bytes of the one and 500 of the other. So every function that can recur gets a frame in
 * linear memory of at least half of what the host is likely to need for it.
 * Measurements: docs/decisions/0001-plugin-compiler.md.
 */
export function padFrames(module: WasmModule): WasmModule {
  const recursive = recursiveFunctions(module);
  const imported = module.imports.length;
  const code = module.code.map((one, index) => {
    const type = module.types[module.functions[index] ?? -1];
    return type !== undefined && recursive.has(imported + index) ? padded(one, type) : one;
  });
  return { ...module, code };
}

/** Half of what V8's compilers take, by measurement: for the call itself, for each local, for each parameter. */
const frameBytes = 72;
const bytesPerLocal = 3;
const bytesPerParameter = 7;
const stackAlignment = 16;
/** A shorter body only passes its arguments on, and such are the most frequently called. */
const shortestBody = 20;

function padded(one: FunctionBody, { params, results }: FuncType): FunctionBody {
  const steps = stepsOf(one.body);
  const frame = frameOf(steps);
  const locals = one.locals.reduce((sum, run) => sum + run.count, 0);
  const wanted = frameBytes + bytesPerLocal * locals + bytesPerParameter * params.length;
  const missing = Math.ceil((wanted - frame.bytes) / stackAlignment) * stackAlignment;
  if (missing <= 0) return one;
  if (frame.constants !== null) return withLonger(one, steps, { constants: frame.constants, missing });
  return one.body.length < shortestBody ? one : withAnother(one, results[0], missing);
}

type Step = { readonly code: number; readonly first: number; readonly start: number; readonly end: number };

/** A function's frame as clang makes it; `constants` are the steps that hold its size, when all of them are known. */
type Frame = { readonly bytes: number; readonly constants: ReadonlySet<number> | null };

const opensBlock: readonly number[] = [opcodes.block[0], opcodes.loop[0], opcodes.if[0]];
const [getGlobal, setGlobal] = [opcodes["global.get"][0], opcodes["global.set"][0]];
const [getLocal, teeLocal] = [opcodes["local.get"][0], opcodes["local.tee"][0]];
const [constant, add, sub] = [opcodes["i32.const"][0], opcodes["i32.add"][0], opcodes["i32.sub"][0]];

/**
 * What clang writes: at the start the stack pointer minus n, kept in a local and set; before each return that local
 * plus n, set. Either may be written with -n and the opposite operation.
 */
function frameOf(steps: readonly Step[]): Frame {
  const starts = indicesOf(steps, (at) => hasCodes(steps, at, [getGlobal, constant, null, teeLocal]));
  const [first] = starts;
  if (first === undefined) return { bytes: 0, constants: null };
  const bytes = -sumAt(steps, first + 1);
  const local = steps[first + 3]?.first;
  // Several paths may each begin with the frame; it must be the same one.
  const isPlain = starts.every(
    (at) =>
      steps[at + 4]?.code === setGlobal && -sumAt(steps, at + 1) === bytes && steps[at + 3]?.first === local,
  );
  if (!isPlain) return { bytes, constants: null };
  const ends = indicesOf(
    steps,
    (at) =>
      steps[at]?.first === local &&
      hasCodes(steps, at, [getLocal, constant, null, setGlobal]) &&
      sumAt(steps, at + 1) === bytes,
  );
  return { bytes, constants: new Set([...starts, ...ends].map((at) => at + 1)) };
}

function withLonger(
  { locals, body }: FunctionBody,
  steps: readonly Step[],
  { constants, missing }: { readonly constants: ReadonlySet<number>; readonly missing: number },
): FunctionBody {
  const out = createWriter(body.length + 16);
  for (const [at, { first, start, end }] of steps.entries()) {
    if (constants.has(at)) emit(out, "i32.const", first + Math.sign(first) * missing);
    else writeBytes(out, body.subarray(start, end));
  }
  return { locals, body: written(out) };
}

/** The body as a block between two moves of the stack pointer; a return becomes a branch to the block's end. */
function withAnother(
  { locals, body }: FunctionBody,
  result: number | undefined,
  bytes: number,
): FunctionBody {
  const out = createWriter(body.length + 64);
  moveStack(out, -bytes);
  emit(out, "block", result === undefined ? null : { result });
  let depth = 0;
  for (const { code, start, end } of stepsOf(body)) {
    if (opensBlock.includes(code)) depth++;
    if (code === opcodes.end[0]) depth--;
    if (code === opcodes.return[0]) emit(out, "br", depth);
    else writeBytes(out, body.subarray(start, end));
  }
  moveStack(out, bytes);
  emit(out, "end");
  return { locals, body: written(out) };
}

function moveStack(out: Writer, by: number): void {
  emit(out, "global.get", 0);
  emit(out, "i32.const", by);
  emit(out, "i32.add");
  emit(out, "global.set", 0);
}

function indicesOf(steps: readonly Step[], matches: (at: number) => boolean): number[] {
  return [...steps.keys()].filter(matches);
}

/** Whether the steps from `at` have these codes; null stands for an addition or a subtraction. */
function hasCodes(steps: readonly Step[], at: number, codes: readonly (number | null)[]): boolean {
  return codes.every((code, index) => {
    const found = steps[at + index]?.code;
    return code === null ? found === add || found === sub : found === code;
  });
}

/** What `i32.const n` and the operation behind it add. */
function sumAt(steps: readonly Step[], at: number): number {
  const n = steps[at]?.first ?? 0;
  return steps[at + 1]?.code === add ? n : -n;
}

function stepsOf(body: Uint8Array): Step[] {
  const steps: Step[] = [];
  const scan = scanOf(body);
  while (nextInstruction(scan)) {
    const { code, first, start, end } = scan;
    steps.push({ code, first, start, end });
  }
  return steps;
}
