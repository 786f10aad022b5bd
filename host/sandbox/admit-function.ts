import { moduleLimits } from "#host/limits.ts";
import { requireWithin } from "./rejected.ts";
import { nextInstruction, scanOf } from "./wasm/instructions.ts";
import type { FunctionBody, ValType } from "./wasm/module.ts";
import { opcodes } from "./wasm/opcodes.ts";

export type FunctionPlace = {
  /** Among the functions that the module defines. */
  readonly index: number;
  readonly params: readonly ValType[];
  readonly maxBytes: number;
};

/**
 * Holds one function against the structural caps, in one pass over its instructions. Throws Rejected, and
 * MalformedWasm for an instruction outside the allow-list.
 */
export function admitFunction(
  { locals, body }: FunctionBody,
  { index, params, maxBytes }: FunctionPlace,
): void {
  const what = `function ${index}`;
  requireWithin({ name: "functionBytes", max: maxBytes, value: body.length }, `${what}, bytes`);
  const count = locals.reduce((sum, run) => sum + run.count, params.length);
  const max = moduleLimits.localsPerFunction;
  requireWithin({ name: "localsPerFunction", max, value: count }, `${what}, locals`);
  const { nesting, merges, targets } = shapeOf(body);
  requireWithin(
    { name: "nestingPerFunction", max: moduleLimits.nestingPerFunction, value: nesting },
    `${what}, nesting`,
  );
  requireWithin(
    { name: "branchTableTargets", max: moduleLimits.branchTableTargets, value: targets },
    `${what}, br_table`,
  );
  const product = (count + 1) * (merges + 1);
  requireWithin(
    { name: "localsTimesMerges", max: moduleLimits.localsTimesMerges, value: product },
    `${what}, (locals + 1) x (control merges + 1)`,
  );
}

type Shape = { readonly nesting: number; readonly merges: number; readonly targets: number };

const { block, loop, end } = { block: opcodes.block[0], loop: opcodes.loop[0], end: opcodes.end[0] };
const codeIf = opcodes.if[0];
const codeElse = opcodes.else[0];
const codeTable = opcodes.br_table[0];

/** The deepest nesting, the number of places where control flow joins, and the longest br_table. */
function shapeOf(body: Uint8Array): Shape {
  const scan = scanOf(body);
  let depth = 0;
  let nesting = 0;
  let merges = 0;
  let targets = 0;
  while (nextInstruction(scan)) {
    if (scan.code === block || scan.code === loop || scan.code === codeIf) {
      merges++;
      depth++;
      if (depth > nesting) nesting = depth;
    } else if (scan.code === codeElse) merges++;
    else if (scan.code === end) depth--;
    else if (scan.code === codeTable && scan.first > targets) targets = scan.first;
  }
  return { nesting, merges, targets };
}
