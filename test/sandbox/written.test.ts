import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createSnapshots } from "#host/sandbox/snapshot.ts";
import { createVars } from "#host/sandbox/vars.ts";
import { assemble, type Instruction, type Memarg } from "#host/sandbox/wasm/emit.ts";
import { i32 } from "#host/sandbox/wasm/value-types.ts";
import { createWritten } from "#host/sandbox/written.ts";
import { openPair } from "#test/conformance/pair.ts";
import { buildModule } from "./built-module.ts";

/** Locals of each function: three addresses, and how many turns of loops are left. */
const addresses = [0, 1, 2] as const;
const turnsLeft = 3;
const mask = 0xffff;

const local = fc.constantFrom(...addresses);
/** Around the places where a mark over the address alone would not reach any more. */
const offset = fc.constantFrom(0, 1, 8, 500, 1006, 1007, 1008, 1009, 1023, 1024, 2047, 5000);

type Statement = readonly Instruction[];

const address: fc.Arbitrary<Statement> = fc.oneof(
  local.map((from): Statement => [["local.get", from]]),
  fc.record({ from: local, by: fc.nat(mask) }).map(({ from, by }): Statement => added(from, by)),
  fc.record({ from: local, to: local }).map(
    ({ from, to }): Statement => [
      ["local.get", from],
      ["local.tee", to],
    ],
  ),
  fc
    .record({ from: local, to: local, by: fc.nat(mask) })
    .map(({ from, to, by }): Statement => [...added(from, by), ["local.tee", to]]),
);

function added(from: number, by: number): Statement {
  return [["local.get", from], ["i32.const", by], ["i32.add"], ["i32.const", mask], ["i32.and"]];
}

/** What is written is never 0: a byte that was written has changed, unless it was written before. */
const stores: readonly ((at: Memarg) => Statement)[] = [
  (at) => [
    ["i32.const", -1],
    ["i32.store", at],
  ],
  (at) => [
    ["i32.const", 77],
    ["i32.store8", at],
  ],
  (at) => [
    ["i32.const", 0x4d4d],
    ["i32.store16", at],
  ],
  (at) => [
    ["i64.const", -1n],
    ["i64.store", at],
  ],
  (at) => [
    ["i64.const", 5n],
    ["i64.store8", at],
  ],
  (at) => [
    ["i64.const", 0x0505n],
    ["i64.store16", at],
  ],
  (at) => [
    ["i64.const", 0x0505_0505n],
    ["i64.store32", at],
  ],
  (at) => [
    ["f32.const", 1.1],
    ["f32.store", at],
  ],
  (at) => [
    ["f64.const", 1.1],
    ["f64.store", at],
  ],
  (at) => [["i64.const", -1n], ["i64x2.splat"], ["v128.store", at]],
  (at) => [["i64.const", -1n], ["i64x2.splat"], ["v128.store8_lane", at, 3]],
  (at) => [["i64.const", -1n], ["i64x2.splat"], ["v128.store64_lane", at, 1]],
  // The value reads a local, and writes one.
  (at) => [["local.get", 0], ["local.tee", 1], ["i32.const", 1], ["i32.or"], ["i32.store", at]],
  (at) => [["i32.const", 3], ["i32.const", 5], ["local.get", 1], ["select"], ["i32.store", at]],
];

const store = fc
  .record({ at: address, offset, how: fc.constantFrom(...stores) })
  .map(({ at, offset: by, how }): Statement => [...at, ...how({ align: 0, offset: by })]);

const bulk = fc
  .record({ at: address, from: address, length: fc.constantFrom(0, 1, 1023, 1024, 1025, 3000) })
  .chain(({ at, from, length }) =>
    fc.constantFrom<Statement>(
      [...at, ["i32.const", 9], ["i32.const", length], ["memory.fill", 0]],
      [...at, ...from, ["i32.const", length], ["memory.copy", 0, 0]],
      [...at, ["i32.const", 0], ["i32.const", Math.min(length, 1)], ["memory.init", 0, 0]],
    ),
  );

const assignment = fc.oneof(
  fc.record({ to: local, from: local }).map(
    ({ to, from }): Statement => [
      ["local.get", from],
      ["local.set", to],
    ],
  ),
  fc
    .record({ to: local, from: local, by: fc.nat(mask) })
    .map(({ to, from, by }): Statement => [...added(from, by), ["local.set", to]]),
  // The old value is on the stack while the local gets another, and is the address after all.
  fc
    .record({ of: local, by: fc.nat(mask), offset, how: fc.constantFrom(...stores) })
    .map(
      ({ of, by, offset: at, how }): Statement => [
        ["local.get", of],
        ...added(of, by),
        ["local.set", of],
        ...how({ align: 0, offset: at }),
      ],
    ),
);

const condition = fc
  .record({ of: local, bit: fc.nat(10) })
  .map(({ of, bit }): Statement => [["local.get", of], ["i32.const", 1 << bit], ["i32.and"]]);

const { body } = fc.letrec<{ body: Statement; statement: Statement }>((tie) => ({
  body: fc.array(tie("statement"), { maxLength: 6 }).map((parts) => parts.flat()),
  statement: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.oneof(store, store, store, assignment, bulk),
    fc
      .record({ when: condition, body: tie("body"), other: tie("body") })
      .map(
        ({ when, body: then, other }): Statement => [
          ...when,
          ["if", null],
          ...then,
          ["else"],
          ...other,
          ["end"],
        ],
      ),
    fc
      .record({ when: condition, before: tie("body"), after: tie("body") })
      .map(
        ({ when, before, after }): Statement => [
          ["block", null],
          ...before,
          ...when,
          ["br_if", 0],
          ...after,
          ["end"],
        ],
      ),
    fc
      .record({ body: tie("body"), after: tie("body") })
      .map(
        ({ body: turn, after }): Statement => [
          ["loop", null],
          ...turn,
          ["local.get", turnsLeft],
          ["i32.const", 1],
          ["i32.sub"],
          ["local.tee", turnsLeft],
          ["i32.const", 0],
          ["i32.gt_s"],
          ["br_if", 0],
          ["end"],
          ...after,
        ],
      ),
    fc.record({ from: local, other: local }).map(
      ({ from, other }): Statement => [
        ["local.get", from],
        ["local.get", other],
        ["i32.const", 512],
        ["i32.const", 2],
        ["call", 1],
      ],
    ),
  ) as fc.Arbitrary<Statement>,
}));

/** Functions of type (i32, i32, i32, i32) -> (): `run`, and what it calls, which writes at each of its first three. */
function encodeWriter(run: Statement): Uint8Array {
  const called = addresses.flatMap(
    (at): Statement => [
      ["local.get", at],
      ["i32.const", 6],
      ["i32.store8", bytewise],
    ],
  );
  return buildModule({
    types: [{ params: [i32, i32, i32, i32], results: [] }],
    functions: [0, 0],
    memories: [{ min: 2, max: 2 }],
    exports: [{ name: "run", kind: "func", index: 0 }],
    dataCount: 1,
    data: [{ segment: { mode: "passive" }, bytes: Uint8Array.of(1) }],
    code: [run, called].map((one) => ({ locals: [], body: assemble([...one, ["end"]]) })),
  });
}

const bytewise: Memarg = { align: 0, offset: 0 };

test("whatever code writes lies in what is marked as written, and it runs as without marks", async () => {
  let trapped = 0;
  let calls = 0;
  const at = fc.nat(mask);
  const rounds = fc.array(fc.tuple(at, at, at), { minLength: 3, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(body, rounds, async (run, starts) => {
      // It throws when a byte has changed that is in none of the marked pieces.
      const pair = await openPair(encodeWriter(run));
      for (const start of starts) if ("trapped" in pair.call("run", [...start, 5])) trapped += 1;
      calls += starts.length;
    }),
    { numRuns: 1_500, seed: 20_261_126 },
  );
  // The generator could grow tame, or wild, without anybody noticing.
  assert.ok(calls === 4_500 && trapped < calls / 10, `${trapped} of ${calls} calls trapped`);
});

test("a piece of the memory of the marks is two chunks, clipped at the end, joined with its neighbours", () => {
  const marks = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const written = createWritten(marks, () => 65_536);
  assert.deepEqual(written.spans(), []);
  written.mark(5_000, 1);
  written.mark(6_200, 100);
  written.mark(65_535, 1);
  assert.deepEqual(written.spans(), [
    { from: 4_096, to: 8_192 },
    { from: 64_512, to: 65_536 },
  ]);
  written.clear();
  assert.deepEqual(written.spans(), []);
});

test("a restore puts back what was written, whatever it was and whatever the memory held", () => {
  const bytes = 2 * 65_536;
  const piece = fc.record({ at: fc.nat(bytes - 1), length: fc.nat(20_000), value: fc.nat(255) });
  const pieces = fc.array(piece, { maxLength: 12 });
  fc.assert(
    fc.property(pieces, pieces, (before, after) => {
      const memory = new WebAssembly.Memory({ initial: 2, maximum: 2 });
      const written = createWritten(
        new WebAssembly.Memory({ initial: 1, maximum: 1 }),
        () => memory.buffer.byteLength,
      );
      const snapshots = createSnapshots({ memory, written, globals: [], vars: createVars() });
      const now = Buffer.from(memory.buffer);
      for (const { at, length, value } of before) now.fill(value, at, Math.min(bytes, at + length));
      const kept = Buffer.from(now);
      const snapshot = snapshots.take();
      assert.ok(snapshot !== null);
      for (const { at, length, value } of after) {
        const end = Math.min(bytes, at + Math.max(1, length));
        now.fill(value, at, end);
        written.mark(at, end - at);
      }
      assert.ok(snapshots.restore(snapshot));
      assert.ok(now.equals(kept));
      // Another state than the one that the marks are about is put back whole.
      now.fill(1, 0, 1);
      assert.ok(snapshots.restore({ ...snapshot }));
      assert.ok(now.equals(kept));
    }),
    { numRuns: 500 },
  );
});
