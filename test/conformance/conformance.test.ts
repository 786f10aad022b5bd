import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeModule } from "#host/sandbox/wasm/decode.ts";
import { nextInstruction, scanOf } from "#host/sandbox/wasm/instructions.ts";
import { opcodeNames, opcodes } from "#host/sandbox/wasm/opcodes.ts";
import { assembleText } from "./assemble.ts";
import { callCases } from "./cases/calls.ts";
import { type Call, type Case, parseCall } from "./cases/case.ts";
import { controlCases } from "./cases/control.ts";
import { memoryCases } from "./cases/memory.ts";
import { scalarCases } from "./cases/scalar.ts";
import { tableCases } from "./cases/table.ts";
import { vectorCases } from "./cases/vector.ts";
import { openPair } from "./pair.ts";
import type { Ending } from "./run-module.ts";

const cases: readonly Case[] = [
  ...scalarCases,
  ...vectorCases,
  ...controlCases,
  ...memoryCases,
  ...tableCases,
  ...callCases,
];

let calls = 0;

for (const one of cases) {
  test(`the same with metering as without: ${one.name}`, async () => {
    const pair = await openPair(assembleText(one.module), one.imports);
    judge(pair.started, { name: "start", args: [], ...(one.startTraps ? { traps: one.startTraps } : {}) });
    for (const line of one.calls) {
      const call = typeof line === "string" ? parseCall(line) : line;
      judge(pair.call(call.name, call.args), call);
    }
    calls += pair.calls;
  });
}

/** Both sides ended in the same way; this is whether the specification wants it. */
function judge(ending: Ending, { name, args, results, traps }: Call): void {
  const what = `${name}(${args.map(String).join(", ")})`;
  if (traps !== undefined) {
    assert.ok("trapped" in ending, `${what} does not trap`);
    assert.ok(ending.trapped.includes(traps), `${what}: ${ending.trapped}`);
  } else if (results !== undefined) {
    assert.deepEqual(ending, { returned: results }, what);
  }
}

test("every admitted instruction is in a function of these modules", () => {
  const met = new Set(cases.flatMap(({ module }) => instructionsOf(assembleText(module))));
  const missing = Object.keys(opcodes).filter((name) => !met.has(name));
  assert.deepEqual(missing, []);
});

test("the cases together are more than fifty thousand calls", () => {
  assert.ok(calls > 50_000, `${calls} calls`);
});

function instructionsOf(bytes: Uint8Array): string[] {
  const names: string[] = [];
  for (const { body } of decodeModule(bytes, () => {}).code) {
    const scan = scanOf(body);
    while (nextInstruction(scan)) names.push(opcodeNames[scan.code] ?? "");
  }
  return names;
}
