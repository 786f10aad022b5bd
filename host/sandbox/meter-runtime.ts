import { moduleLimits } from "#host/limits.ts";
import { costs } from "./cost-table.ts";
import { assemble, type Instruction } from "./wasm/emit.ts";
import type { FuncType, FunctionBody } from "./wasm/module.ts";
import { i32 } from "./wasm/value-types.ts";

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
};

export const sliceType: FuncType = { params: [], results: [i32] };
const procedure: FuncType = { params: [], results: [] };
/** The charges pass their operand through, so that one call before the instruction is enough. */
const passThrough: FuncType = { params: [i32], results: [i32] };

/** The functions that metered code calls, in the order of their indices from `refill` on. */
export function injectedFunctions(
  injected: Injected,
  memoryPages: number,
): readonly { readonly type: FuncType; readonly code: FunctionBody }[] {
  return [
    { type: procedure, code: refill(injected) },
    { type: passThrough, code: charge(injected, bytesToUnits) },
    { type: passThrough, code: charge(injected, atMost(moduleLimits.tableElements, costs.unitsPerElement)) },
    { type: passThrough, code: charge(injected, atMost(memoryPages, costs.unitsPerPage)) },
    { type: passThrough, code: noteGrowth(injected) },
  ];
}

/** The check that follows a charge: below zero, the host decides. */
export function check({ fuel, refill }: Injected): readonly Instruction[] {
  return [["global.get", fuel], ["i32.const", 0], ["i32.lt_s"], ["if", null], ["call", refill], ["end"]];
}

/** Asks the host. A kill is a trap because guest code can catch whatever the host throws, but no `unreachable`. */
function refill({ slice }: Injected): FunctionBody {
  return body([["call", slice], ["if", null], ["unreachable"], ["end"]]);
}

/** Takes what `units` leaves on the stack from the counter and checks; answers its argument. */
function charge(injected: Injected, units: readonly Instruction[]): FunctionBody {
  return body([
    ["global.get", injected.fuel],
    ...units,
    ["i32.sub"],
    ["global.set", injected.fuel],
    ...check(injected),
    ["local.get", 0],
  ]);
}

const bytesToUnits: readonly Instruction[] = [
  ["local.get", 0],
  ["i32.const", Math.log2(costs.bytesPerUnit)],
  ["i32.shr_u"],
];

/** min(argument, limit) * units: what lies above the limit fails without work, and the product cannot wrap. */
function atMost(limit: number, units: number): readonly Instruction[] {
  return [
    ["local.get", 0],
    ["i32.const", limit],
    ["local.get", 0],
    ["i32.const", limit],
    ["i32.lt_u"],
    ["select"],
    ["i32.const", units],
    ["i32.mul"],
  ];
}

function noteGrowth({ refused }: Injected): FunctionBody {
  return body([
    ["local.get", 0],
    ["i32.const", -1],
    ["i32.eq"],
    ["if", null],
    ["i32.const", 1],
    ["global.set", refused],
    ["end"],
    ["local.get", 0],
  ]);
}

function body(instructions: readonly Instruction[]): FunctionBody {
  return { locals: [], body: assemble([...instructions, ["end"]]) };
}
