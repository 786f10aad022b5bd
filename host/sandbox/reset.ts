import { mapInTurns } from "./in-turns.ts";
import { globalExportName } from "./meter.ts";
import { nextInstruction, type Scan, scanOf } from "./wasm/instructions.ts";
import type { FunctionBody, WasmModule } from "./wasm/module.ts";
import { type OpcodeName, opcodeNames } from "./wasm/opcodes.ts";
import { externref, funcref, v128, valTypeName } from "./wasm/value-types.ts";

/**
 * Whether copying the memory and the globals back restores an instance's state exactly, into the same or
 * another instance. `reason` says why not, for the operator; `globals` are the export names of those to copy.
 */
export type Reset = {
  readonly exact: boolean;
  readonly reason: string | null;
  readonly globals: readonly string[];
};

/** Linear in the size of the module, in turns. */
export async function resetOf(module: WasmModule): Promise<Reset> {
  const reason = stateInGlobals(module) ?? (await stateInCode(module));
  const globals = module.globals.flatMap(({ type }, index) =>
    type.mutable ? [globalExportName(index)] : [],
  );
  return { exact: reason === null, reason, globals };
}

/** JavaScript cannot read a v128 global, and a reference would still point into the instance it came from. */
function stateInGlobals({ globals }: WasmModule): string | null {
  const held = globals.find(({ type }) => type.mutable && [v128, funcref, externref].includes(type.type));
  return held === undefined ? null : `a mutable global of type ${valTypeName(held.type.type)}`;
}

const tableWriters: ReadonlySet<OpcodeName | undefined> = new Set([
  "table.set",
  "table.grow",
  "table.copy",
  "table.init",
  "table.fill",
]);

async function stateInCode(module: WasmModule): Promise<string | null> {
  const reasons = await mapInTurns(module.code, (code) => stateInFunction(code, module));
  return reasons.find((reason) => reason !== null) ?? null;
}

function stateInFunction({ body }: FunctionBody, module: WasmModule): string | null {
  const scan = scanOf(body);
  while (nextInstruction(scan)) {
    const name = opcodeNames[scan.code];
    if (tableWriters.has(name) || dropsPassive(scan, name, module)) return `the module uses ${name}`;
  }
  return null;
}

/** Instantiation itself drops active and declared segments; dropping them once more changes nothing. */
function dropsPassive(scan: Scan, name: OpcodeName | undefined, { data, elements }: WasmModule): boolean {
  if (name === "data.drop") return data[scan.first]?.segment.mode === "passive";
  if (name === "elem.drop") return elements[scan.first]?.segment.mode === "passive";
  return false;
}
