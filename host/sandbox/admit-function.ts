import { moduleLimits } from "#host/limits.ts";
import { type FunctionShape, type Signatures, shapeOf } from "./function-shape.ts";
import { requireWithin } from "./rejected.ts";
import type { FuncType, FunctionBody, WasmModule } from "./wasm/module.ts";

/** The caps of one function that are not the same before and after metering. */
export type FunctionCaps = {
  readonly functionBytes: keyof typeof moduleLimits;
  readonly mergedValues: keyof typeof moduleLimits;
  readonly branchedValues: keyof typeof moduleLimits;
  readonly moduleMergedValues: keyof typeof moduleLimits;
  readonly moduleBranchedValues: keyof typeof moduleLimits;
  /** What metering adds at most: locals, operands on top of the highest, constructs inside the innermost one. */
  readonly added: { readonly locals: number; readonly operands: number; readonly nesting: number };
};

/** Of a function as its author wrote it. */
export const originalCaps: FunctionCaps = {
  functionBytes: "functionBytes",
  mergedValues: "localsTimesMerges",
  branchedValues: "branchedValues",
  moduleMergedValues: "moduleLocalsTimesMerges",
  moduleBranchedValues: "moduleBranchedValues",
  added: { locals: 0, operands: 0, nesting: 0 },
};

/**
 * Of a function with metering: one local holds the fuel, seven what stands on the stack while a write is marked; a block is
 * around all, and a check is one `if`.
 */
export const meteredCaps: FunctionCaps = {
  functionBytes: "meteredFunctionBytes",
  mergedValues: "meteredLocalsTimesMerges",
  branchedValues: "meteredBranchedValues",
  moduleMergedValues: "meteredModuleLocalsTimesMerges",
  moduleBranchedValues: "meteredModuleBranchedValues",
  added: { locals: 8, operands: 2, nesting: 2 },
};

/**
 * Holds the functions of a module against the structural caps, one at a time and then all so far together, in one
 * pass over the instructions. Throws Rejected, and MalformedWasm for an instruction outside the allow-list.
 */
export function createFunctionGate(
  module: WasmModule,
  caps: FunctionCaps,
): (code: FunctionBody, index: number) => void {
  const signatures = signaturesOf(module);
  const imported = signatures.functions.length - module.functions.length;
  const procedure: FuncType = { params: [], results: [] };
  let mergedValues = 0;
  let branchedValues = 0;
  return (code, index) => {
    const what = `function ${index}`;
    const all = `functions 0 to ${index}`;
    requireLimit(caps.functionBytes, code.body.length, `${what}, bytes`);
    const type = signatures.functions[imported + index] ?? procedure;
    const shape = shapeOf(code, type, signatures);
    requireShape(shape, caps, what);
    mergedValues += shape.mergedValues;
    branchedValues += shape.branchedValues;
    requireLimit(caps.moduleMergedValues, mergedValues, `${all}, values x control merges`);
    requireLimit(caps.moduleBranchedValues, branchedValues, `${all}, values x branches and calls`);
  };
}

function signaturesOf({ types, imports, functions }: WasmModule): Signatures {
  const imported = imports.flatMap(({ desc }) => (desc.kind === "func" ? [desc.type] : []));
  return { types, functions: [...imported, ...functions].map((type) => types[type]) };
}

function requireShape(shape: FunctionShape, caps: FunctionCaps, what: string): void {
  requireLimit("localsPerFunction", shape.locals - caps.added.locals, `${what}, locals`);
  requireLimit("operandsPerFunction", shape.operands - caps.added.operands, `${what}, operands`);
  requireLimit("nestingPerFunction", shape.nesting - caps.added.nesting, `${what}, nesting`);
  requireLimit("typeResults", shape.blockParameters, `${what}, parameters of a block`);
  requireLimit("branchTableTargets", shape.targets, `${what}, br_table`);
  requireLimit(caps.mergedValues, shape.mergedValues, `${what}, values x control merges`);
  requireLimit(caps.branchedValues, shape.branchedValues, `${what}, values x branches and calls`);
}

/** Throws Rejected when `value` is over the module's limit of this name. */
export function requireLimit(name: keyof typeof moduleLimits, value: number, what: string): void {
  requireWithin({ name, max: moduleLimits[name], value }, what);
}
