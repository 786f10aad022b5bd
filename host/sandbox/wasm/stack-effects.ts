import { codeCount, type OpcodeName, opcodes } from "./opcodes.ts";

/** Net effect on the operand stack, where no rule below gives another. */
const exceptions: Partial<Record<OpcodeName, number>> = {
  drop: -1,
  select: -2,
  "select t": -2,
  "local.get": 1,
  "local.set": -1,
  "global.get": 1,
  "global.set": -1,
  "table.set": -2,
  "memory.size": 1,
  "ref.null": 1,
  "ref.func": 1,
  "memory.init": -3,
  "memory.copy": -3,
  "memory.fill": -3,
  "table.init": -3,
  "table.copy": -3,
  "table.fill": -3,
  "table.grow": -1,
  "table.size": 1,
  "v128.bitselect": -2,
};

/** What takes one operand and gives one result, or takes and gives nothing; read after the prefix of the type. */
const neutral =
  /^(load|tee|get|grow|is_null|drop|nop|eqz|clz|ctz|popcnt|abs|neg|ceil|floor|trunc|nearest|sqrt|not|splat|any_true|all_true|bitmask|wrap|extend|convert|promote|demote|reinterpret|extadd|extract_lane)/;

/** Operations whose names begin like a neutral one, but take two operands. */
const binary = /^(load\d+_lane|extmul)/;

/** Control instructions and calls: their effect depends on types and labels, not on the code alone. */
const structural: ReadonlySet<OpcodeName> = new Set([
  "unreachable",
  "nop",
  "block",
  "loop",
  "if",
  "else",
  "end",
  "br",
  "br_if",
  "br_table",
  "return",
  "call",
  "call_indirect",
  "return_call",
  "return_call_indirect",
]);

/** What leaves none of its own on the stack, beside stores. */
const resultless: ReadonlySet<OpcodeName> = new Set([
  "drop",
  "local.set",
  "global.set",
  "table.set",
  "memory.fill",
  "memory.copy",
  "memory.init",
  "data.drop",
  "table.fill",
  "table.copy",
  "table.init",
  "elem.drop",
]);

/** By code: 1 for control instructions and calls. */
export const structuralCodes: Uint8Array = flagsByCode((name) => structural.has(name));

/** By code: 1 where the operands that an instruction leaves are those that were below its own; without structural ones. */
export const resultlessCodes: Uint8Array = flagsByCode(
  (name) => resultless.has(name) || operationOf(name).startsWith("store"),
);

/**
 * By code: how many operands an instruction leaves more than it takes. 0 for control instructions and
 * calls, whose effect depends on the module.
 */
export const stackEffects: Int8Array = effectsByCode();

function effectsByCode(): Int8Array {
  const table = new Int8Array(codeCount);
  for (const [name, [code]] of Object.entries(opcodes) as [OpcodeName, readonly [number]][]) {
    table[code] = structural.has(name) ? 0 : (exceptions[name] ?? effectOf(name));
  }
  return table;
}

function flagsByCode(has: (name: OpcodeName) => boolean): Uint8Array {
  const table = new Uint8Array(codeCount);
  for (const [name, [code]] of Object.entries(opcodes) as [OpcodeName, readonly [number]][]) {
    table[code] = Number(has(name));
  }
  return table;
}

/** A name without its prefix. */
function operationOf(name: OpcodeName): string {
  return name.slice(name.indexOf(".") + 1);
}

function effectOf(name: OpcodeName): number {
  const operation = operationOf(name);
  if (operation === "const") return 1;
  if (operation.startsWith("store")) return -2;
  return neutral.test(operation) && !binary.test(operation) ? 0 : -1;
}
