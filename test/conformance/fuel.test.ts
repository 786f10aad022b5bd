import assert from "node:assert/strict";
import { test } from "node:test";
import { assembleText } from "./assemble.ts";
import { openPair, type Pair } from "./pair.ts";
import type { MakeImports } from "./run-module.ts";

/** Turns of the loop in the function that is called, by every way there is to call one. */
const turns = 50;

const ways = {
  call: "(call $work)",
  "call by reference": "(call_indirect (type $procedure) (i32.const 0))",
  "tail call": "(call $tail)",
  "tail call by reference": "(call $tail_by_reference)",
  "call back from the host": "(call $back)",
  "call of a function that returns early": "(call $early (i32.const 1))",
  "call of a function that does not": "(call $early (i32.const 0))",
  "call back by a tail call": "(call $tail_to_host)",
  recursion: `(call $recurse (i32.const ${turns}))`,
} as const;

type Way = keyof typeof ways;

/** A function per way, which goes it as often as its argument says. */
function moduleOf(used: readonly Way[]): Uint8Array {
  const tailByReference = used.includes("tail call by reference")
    ? "(func $tail_by_reference (return_call_indirect (type $procedure) (i32.const 0)))"
    : "";
  const functions = used.map(
    (way) => `(func (export "${way}") (param i32)
      (loop $next ${ways[way]} (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))`,
  );
  return assembleText(`(module
    (type $procedure (func))
    (import "env" "back" (func $back))
    (table 1 funcref)
    (elem (i32.const 0) $work)
    (func $work (export "work") (local $i i32)
      (loop $next (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${turns})))))
    (func $tail (return_call $work))
    (func $tail_to_host (return_call $back))
    (func $early (param i32) (call $work) (if (local.get 0) (then (return))) (call $work))
    (func $recurse (param i32) (if (local.get 0) (then (call $recurse (i32.sub (local.get 0) (i32.const 1))))))
    ${tailByReference}
    ${functions.join("\n")})`);
}

const callBack: MakeImports = (_note, self) => ({
  env: { back: () => (self()[0] as WebAssembly.ExportedFunction)() },
});

function fuelOf(pair: Pair, way: Way, times: number): number {
  const before = pair.fuelUsed;
  assert.deepEqual(pair.call(way, [times]), { returned: [] });
  return pair.fuelUsed - before;
}

const all = Object.keys(ways) as Way[];
// Tail calls by reference make the meter hand fuel on in another way, in the whole module.
const modules = {
  "a module without tail calls by reference": all.filter((way) => !way.includes("tail call by")),
  "a module with": all,
};

for (const [what, used] of Object.entries(modules)) {
  test(`who calls pays for what is called, each time the same: ${what}`, async () => {
    const pair = await openPair(moduleOf(used), callBack);
    for (const way of used) {
      const [once, twice, thrice] = [1, 2, 3].map((times) => fuelOf(pair, way, 10 * times)) as [
        number,
        number,
        number,
      ];
      assert.equal(thrice - twice, twice - once, way);
      assert.ok((twice - once) / 10 > turns, `${way}: ${(twice - once) / 10} units for ${turns} turns`);
    }
  });
}
