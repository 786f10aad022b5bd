import { emit } from "../../host/sandbox/wasm/emit.ts";
import { nextInstruction, scanOf } from "../../host/sandbox/wasm/instructions.ts";
import type { FunctionBody, WasmModule } from "../../host/sandbox/wasm/module.ts";
import { opcodes } from "../../host/sandbox/wasm/opcodes.ts";
import { createWriter, writeBytes, written } from "../../host/sandbox/wasm/writer.ts";

/**
 * A recursive plugin must end in a RangeError of its own, not in a trap. QuickJS counts the depth by its stack in linear
 * memory, but what runs out is the stack of the host's wasm engine, and the two grow at different rates: a level of
 * JSON.parse takes 50 bytes of the one and 500 of the other. So every frame in linear memory is made longer by what
 * the function is likely to take of the host's: eight bytes for each parameter and local, and the frame itself.
 */
export function padFrames(module: WasmModule): WasmModule {
  let padded = 0;
  const code = module.code.map((one, index) => {
    const params = module.types[module.functions[index] ?? -1]?.params.length ?? 0;
    const longer = padFrame(one, paddingOf(one, params));
    if (longer !== one) padded++;
    return longer;
  });
  if (padded !== knownFrames)
    throw new Error(`${padded} functions have a frame that can be padded, not ${knownFrames}`);
  return { ...module, code };
}

/** Of quickjs-wasi 3.6.2. Another number means that its compiler writes frames in another way. */
const knownFrames = 477;

const hostFrameBytes = 64;
const bytesPerLocal = 8;
const stackAlignment = 16;

function paddingOf({ locals }: FunctionBody, params: number): number {
  const count = locals.reduce((sum, run) => sum + run.count, params);
  return Math.ceil((hostFrameBytes + bytesPerLocal * count) / stackAlignment) * stackAlignment;
}

type Step = { readonly code: number; readonly first: number; readonly start: number; readonly end: number };

const [getGlobal, setGlobal] = [opcodes["global.get"][0], opcodes["global.set"][0]];
const [getLocal, teeLocal] = [opcodes["local.get"][0], opcodes["local.tee"][0]];
const [constant, add, sub] = [opcodes["i32.const"][0], opcodes["i32.add"][0], opcodes["i32.sub"][0]];

/**
 * What clang writes: at the start the stack pointer minus n, kept in a local and set; before each return that local
 * plus n, set. Either may be written with -n and the opposite operation. Only the constants change.
 */
function padFrame(one: FunctionBody, padding: number): FunctionBody {
  const steps = stepsOf(one.body);
  const prologues = indicesOf(steps, (at) =>
    hasCodes(steps, at, [getGlobal, constant, null, teeLocal, setGlobal]),
  );
  const [first] = prologues;
  if (first === undefined) return one;
  const frame = -sumAt(steps, first + 1);
  const local = steps[first + 3]?.first;
  // Several paths may each begin with the frame; it must be the same one.
  if (prologues.some((at) => -sumAt(steps, at + 1) !== frame || steps[at + 3]?.first !== local)) return one;
  const epilogues = indicesOf(
    steps,
    (at) =>
      steps[at]?.first === local &&
      hasCodes(steps, at, [getLocal, constant, null, setGlobal]) &&
      sumAt(steps, at + 1) === frame,
  );
  const constants = new Set([...prologues, ...epilogues].map((at) => at + 1));
  return { locals: one.locals, body: withLongerFrame(one.body, steps, { constants, padding }) };
}

function indicesOf(steps: readonly Step[], matches: (at: number) => boolean): number[] {
  return [...steps.keys()].filter(matches);
}

function withLongerFrame(
  body: Uint8Array,
  steps: readonly Step[],
  { constants, padding }: { readonly constants: ReadonlySet<number>; readonly padding: number },
): Uint8Array {
  const out = createWriter(body.length + 16);
  for (const [at, { first, start, end }] of steps.entries()) {
    if (constants.has(at)) emit(out, "i32.const", first + Math.sign(first) * padding);
    else writeBytes(out, body.subarray(start, end));
  }
  return written(out);
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
