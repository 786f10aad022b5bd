import { moduleLimits } from "#host/limits.ts";
import { costs } from "./cost-table.ts";
import type { Injected } from "./meter-layout.ts";
import { markRange } from "./meter-writes.ts";
import { assemble, type Instruction } from "./wasm/emit.ts";
import type { FuncType, FunctionBody } from "./wasm/module.ts";
import { i32 } from "./wasm/value-types.ts";

const pageBytes = 65_536;

export const sliceType: FuncType = { params: [], results: [i32] };
/** Fuel in, fuel out. */
const fuelType: FuncType = { params: [i32], results: [i32] };
/** Operand and fuel in and out, so that one call before the instruction is enough. */
const chargeType: FuncType = { params: [i32, i32], results: [i32, i32] };
const growthType: FuncType = { params: [i32], results: [i32] };
const rangeType: FuncType = { params: [i32, i32], results: [] };

/** The functions that metered code calls, in the order of their indices from `refill` on. */
export function injectedFunctions(
  injected: Injected,
  { memoryPages, hasMemory }: { readonly memoryPages: number; readonly hasMemory: boolean },
): readonly { readonly type: FuncType; readonly code: FunctionBody }[] {
  return [
    { type: fuelType, code: refill(injected) },
    { type: chargeType, code: charge(injected, [...atMost(memoryPages * pageBytes), ...bytesToUnits]) },
    {
      type: chargeType,
      code: charge(injected, [...atMost(moduleLimits.tableElements), ...times(costs.unitsPerElement)]),
    },
    { type: chargeType, code: charge(injected, [...atMost(memoryPages), ...times(costs.unitsPerPage)]) },
    { type: growthType, code: noteGrowth(injected) },
    { type: rangeType, code: hasMemory ? markRange() : unused },
  ];
}

/**
 * Takes the fuel from the counter and leaves it on the stack. Until it is put back the counter is below zero, and
 * lower than it was: what a trap leaves says that the slice is spent, because how much of it was left is lost.
 */
export function fetchFuel({ fuel }: Injected): readonly Instruction[] {
  return [
    ["global.get", fuel],
    // min(fuel, 0) - 1
    ["global.get", fuel],
    ["global.get", fuel],
    ["i32.const", 31],
    ["i32.shr_s"],
    ["i32.and"],
    ["i32.const", 1],
    ["i32.sub"],
    ["global.set", fuel],
  ];
}

/** A function of the original type around a body that takes and answers fuel. */
export function entry({ params }: FuncType, body: number, injected: Injected): FunctionBody {
  return assembled([
    ...params.map((_, index): Instruction => ["local.get", index]),
    ...fetchFuel(injected),
    ["call", body],
    ["global.set", injected.fuel],
  ]);
}

/** Below zero, the host decides: the fuel in this local may be another afterwards. */
export function check(local: number, { refill }: Injected): readonly Instruction[] {
  return [
    ["i32.const", 0],
    ["i32.lt_s"],
    ["if", null],
    ["local.get", local],
    ["call", refill],
    ["local.set", local],
    ["end"],
  ];
}

/** Asks the host. A kill is a trap because guest code can catch whatever the host throws, but no `unreachable`. */
function refill(injected: Injected): FunctionBody {
  return assembled([
    ["local.get", 0],
    ["global.set", injected.fuel],
    ["call", injected.slice],
    ["if", null],
    ["unreachable"],
    ["end"],
    ...fetchFuel(injected),
  ]);
}

/** Takes what `units` leaves on the stack from the fuel and checks. */
function charge(injected: Injected, units: readonly Instruction[]): FunctionBody {
  return assembled([
    ["local.get", 1],
    ...units,
    ["i32.sub"],
    ["local.tee", 1],
    ...check(1, injected),
    ["local.get", 0],
    ["local.get", 1],
  ]);
}

/** min(argument, limit): what lies above the limit fails without work, and no product can wrap. */
function atMost(limit: number): readonly Instruction[] {
  return [
    ["local.get", 0],
    ["i32.const", limit],
    ["local.get", 0],
    ["i32.const", limit],
    ["i32.lt_u"],
    ["select"],
  ];
}

const bytesToUnits: readonly Instruction[] = [["i32.const", Math.log2(costs.bytesPerUnit)], ["i32.shr_u"]];

function times(units: number): readonly Instruction[] {
  return [["i32.const", units], ["i32.mul"]];
}

function noteGrowth({ refused }: Injected): FunctionBody {
  return assembled([
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

/** In the place of what cannot be written for a module without memory. */
const unused: FunctionBody = assembled([]);

function assembled(instructions: readonly Instruction[]): FunctionBody {
  return { locals: [], body: assemble([...instructions, ["end"]]) };
}
