import { moduleLimits } from "#host/limits.ts";
import { type FunctionShape, type Signatures, shapeOf } from "./function-shape.ts";
import { requireWithin } from "./rejected.ts";
import type { FuncType, FunctionBody, WasmModule } from "./wasm/module.ts";

/** The caps of one function that are not the same before and after metering. */
export type FunctionCaps = {
  readonly functionBytes: keyof typeof moduleLimits;
  readonly mergedValues: keyof typeof moduleLimits;
  /** Constructs that metering opens inside the innermost one. */
  readonly addedNesting: number;
};

/** Of a function as its author wrote it. */
export const originalCaps: FunctionCaps = {
  functionBytes: "functionBytes",
  mergedValues: "localsTimesMerges",
  addedNesting: 0,
};

/** Of a function with metering: a check is one `if`. */
export const meteredCaps: FunctionCaps = {
  functionBytes: "meteredFunctionBytes",
  mergedValues: "meteredLocalsTimesMerges",
  addedNesting: 1,
};

/**
 * Holds the functions of a module against the structural caps, one at a time, in one pass over its
 * instructions. Throws Rejected, and MalformedWasm for an instruction outside the allow-list.
 */
export function createFunctionGate(
  module: WasmModule,
  caps: FunctionCaps,
): (code: FunctionBody, index: number) => void {
  const signatures = signaturesOf(module);
  const imported = signatures.functions.length - module.functions.length;
  const procedure: FuncType = { params: [], results: [] };
  return (code, index) => {
    const what = `function ${index}`;
    requireCap(caps.functionBytes, code.body.length, `${what}, bytes`);
    const type = signatures.functions[imported + index] ?? procedure;
    requireShape(shapeOf(code, type, signatures), caps, what);
  };
}

function signaturesOf({ types, imports, functions }: WasmModule): Signatures {
  const imported = imports.flatMap(({ desc }) => (desc.kind === "func" ? [desc.type] : []));
  return { types, functions: [...imported, ...functions].map((type) => types[type]) };
}

function requireShape(shape: FunctionShape, caps: FunctionCaps, what: string): void {
  requireCap("localsPerFunction", shape.locals, `${what}, locals`);
  requireCap("operandsPerFunction", shape.operands, `${what}, operands`);
  requireCap("nestingPerFunction", shape.nesting - caps.addedNesting, `${what}, nesting`);
  requireCap("branchTableTargets", shape.targets, `${what}, br_table`);
  requireCap(caps.mergedValues, shape.mergedValues, `${what}, values x control merges`);
  requireCap("branchedValues", shape.branchedValues, `${what}, values x branches and calls`);
}

function requireCap(name: keyof typeof moduleLimits, value: number, what: string): void {
  requireWithin({ name, max: moduleLimits[name], value }, what);
}
