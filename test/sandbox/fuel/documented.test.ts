import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { callLimits } from "#host/limits.ts";
import { costs, instructionCosts } from "#host/sandbox/cost-table.ts";
import { bytesPerFuel, hostCallFuel } from "#host/sandbox/host-cost.ts";
import { opcodes } from "#host/sandbox/wasm/opcodes.ts";

const page = await readFile(new URL("../../../docs/fuel.md", import.meta.url), "utf8");
const [, instructions = "", beside = ""] = page.split("\n## ");

test("docs/fuel.md names the price of every instruction that is not one unit, and no other", () => {
  const documented: Record<string, number> = {};
  for (const [, names = "", units] of instructions.matchAll(/^\| (`.*`) \| (\d+) \|$/gm)) {
    for (const [, name = ""] of names.matchAll(/`([^`]+)`/g)) documented[name] = Number(units);
  }
  const actual = Object.entries(opcodes).map(([name, [code]]) => [name, instructionCosts[code]] as const);
  assert.deepEqual(documented, Object.fromEntries(actual.filter(([, units]) => units !== 1)));
});

test("docs/fuel.md names every other price", () => {
  const rows = [...beside.matchAll(/^\| (.+) \| (\d+) \|$/gm)].map(
    ([, what = "", units]) => `${what}: ${units}`,
  );
  assert.deepEqual(rows, [
    `entering a function: ${costs.functionEntry}`,
    `locals of the function, beside its parameters: each ${costs.localsPerUnit}, or a part of it: 1`,
    `each turn of a loop, the first one too: ${costs.loopTurn}`,
    `each ${costs.bytesPerUnit} bytes that \`memory.fill\`, \`memory.copy\` or \`memory.init\` is asked for: 1`,
    `each element that a bulk table instruction is asked for; for \`table.grow\` those that are there already too: ${costs.unitsPerElement}`,
    `each page of 64 KiB that \`memory.grow\` is asked for: ${costs.unitsPerPage}`,
    `each call of a host function: ${hostCallFuel}`,
    `each ${bytesPerFuel} bytes that a host function reads or writes for the plugin: 1`,
  ]);
  assert.ok(page.includes(`slices of ${callLimits.sliceFuel.toLocaleString("en")} units`));
});
