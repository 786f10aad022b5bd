import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { OpcodeName } from "#host/sandbox/wasm/opcodes.ts";
import { type Count, interpret } from "./interpret.ts";
import { meteredBytes } from "./metered.ts";
import { encodeProgram, type Program, programs } from "./random-program.ts";

/** As docs/fuel.md says; what is not named here pays one. */
const units: Partial<Record<OpcodeName, number>> = {
  block: 0,
  loop: 0,
  else: 0,
  end: 0,
  br_table: 3,
  call: 2,
  return_call: 2,
  call_indirect: 6,
};
/** Entering a function of a program, which has five locals. */
const entry = 2 + 2;

function unitsOf({ turns, calls, ran }: Count): number {
  const code = [...ran].reduce((sum, [name, times]) => sum + times * (units[name] ?? 1), 0);
  return code + turns + calls * entry;
}

/** The same program with another module around it, where fuel takes the other route: one tail call by reference. */
function withTailCallByReference(program: Program): Program {
  return [...program.slice(0, -1), [["return"], ["i32.const", 0], ["return_call_indirect", 0, 0], ["end"]]];
}

test("fuel: random programs pay for exactly what a reading of them runs, whatever the slices", async () => {
  let turns = 0;
  let calls = 0;
  await fc.assert(
    fc.asyncProperty(
      programs,
      fc.boolean(),
      fc.integer({ min: 1, max: 2_000 }),
      async (one, other, sliceFuel) => {
        const program = other ? withTailCallByReference(one) : one;
        const count = interpret(program);
        const run = await meteredBytes(encodeProgram(program));
        const { fuel, trapped } = run("run", [], sliceFuel);
        assert.equal(trapped, null);
        assert.ok(fuel >= count.turns + count.calls);
        assert.equal(fuel, unitsOf(count));
        turns += count.turns;
        calls += count.calls;
      },
    ),
    { numRuns: 300, seed: 20_251_125 },
  );
  // The generator could grow tame without anybody noticing.
  assert.ok(turns > 1_000 && calls > 1_000, `${turns} turns, ${calls} calls`);
});
