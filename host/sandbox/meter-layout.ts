import { mapInTurns } from "./in-turns.ts";
import { nextInstruction, scanOf } from "./wasm/instructions.ts";
import type { FunctionBody, WasmModule } from "./wasm/module.ts";
import { opcodes } from "./wasm/opcodes.ts";

/** Where the injected members stand in a module's index spaces. */
export type Injected = {
  /** Globals: the slice counter, and whether a memory.grow was refused. */
  readonly fuel: number;
  readonly refused: number;
  /** The import that asks the host for another slice. */
  readonly slice: number;
  /** The injected functions, in the order of `injectedFunctions`. */
  readonly refill: number;
  readonly chargeBytes: number;
  readonly chargeElements: number;
  readonly chargePages: number;
  readonly noteGrowth: number;
  readonly markRange: number;
};

/**
 * Where fuel is while code runs. `passed`: a function takes it as its last parameter and answers it as its last
 * result, so it stays in a register from call to call. `fetched`: it takes it from the counter and puts it back.
 */
export type FuelRoute = "passed" | "fetched";

/** A metered module's functions: imports, `slice`, one for each of the original, the injected, detached bodies. */
export type Layout = {
  readonly injected: Injected;
  readonly route: FuelRoute;
  /** Functions of the original that are imported. */
  readonly imported: number;
  /** A function as anything but a direct call names it. Its type is the original one. */
  reference(index: number): number;
  /** A function as a direct call names it, after the last of which (`passed`) fuel goes in and out. */
  target(index: number): number;
  /** The functions whose body stands apart, in that order: at their own place is an entry of the original type. */
  readonly detached: readonly number[];
};

const injectedCount = 6;

/** Linear in the size of the module, in turns. */
export async function layOut(module: WasmModule): Promise<Layout> {
  const imported = module.imports.length;
  const route = await routeOf(module);
  const detached = route === "passed" ? referenced(module).filter((index) => index >= imported) : [];
  const refill = imported + 1 + module.functions.length;
  const bodies = new Map(detached.map((index, place) => [index, refill + injectedCount + place]));
  const reference = (index: number) => (index < imported ? index : index + 1);
  return {
    injected: {
      fuel: module.globals.length,
      refused: module.globals.length + 1,
      slice: imported,
      refill,
      chargeBytes: refill + 1,
      chargeElements: refill + 2,
      chargePages: refill + 3,
      noteGrowth: refill + 4,
      markRange: refill + 5,
    },
    route,
    imported,
    reference,
    target: (index) => bodies.get(index) ?? reference(index),
    detached,
  };
}

/** V8's limit. */
const mostParameters = 1_000;

/** A tail call by reference cannot hand fuel on, nor can a function that has as many parameters as may be. */
async function routeOf({ types, tables, code }: WasmModule): Promise<FuelRoute> {
  if (types.some(({ params }) => params.length >= mostParameters)) return "fetched";
  if (tables.length === 0) return "passed";
  return (await mapInTurns(code, tailCallsByReference)).includes(true) ? "fetched" : "passed";
}

function tailCallsByReference({ body }: FunctionBody): boolean {
  const [wanted] = opcodes.return_call_indirect;
  if (!body.includes(wanted)) return false;
  const scan = scanOf(body);
  while (nextInstruction(scan)) if (scan.code === wanted) return true;
  return false;
}

/**
 * The functions that something else than a direct call may enter. What `ref.func` names in code is among
 * them: validation demands that it also stands outside of code.
 */
function referenced(module: WasmModule): number[] {
  const found = new Set<number>();
  for (const { kind, index } of module.exports) if (kind === "func") found.add(index);
  for (const { init } of module.globals) addNamed(init, found);
  for (const { items } of module.elements) {
    if ("functions" in items) for (const index of items.functions) found.add(index);
    else for (const expression of items.expressions) addNamed(expression, found);
  }
  if (module.start !== null) found.add(module.start);
  return [...found].sort((left, right) => left - right);
}

function addNamed(expression: Uint8Array, found: Set<number>): void {
  const [named] = opcodes["ref.func"];
  const scan = scanOf(expression);
  while (nextInstruction(scan)) if (scan.code === named) found.add(scan.first);
}
