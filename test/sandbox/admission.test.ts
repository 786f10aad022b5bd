import assert from "node:assert/strict";
import { test } from "node:test";
import { moduleLimits } from "#host/limits.ts";
import { standardImports } from "#host/sandbox/link.ts";
import { prepare, Rejected } from "#host/sandbox/prepare.ts";
import { assemble, type Instruction } from "#host/sandbox/wasm/emit.ts";
import type {
  ElementSegment,
  Export,
  FunctionBody,
  Global,
  Import,
  TableType,
} from "#host/sandbox/wasm/module.ts";
import { externref, f64, funcref, i32 } from "#host/sandbox/wasm/value-types.ts";
import {
  answering,
  type BuiltModule,
  buildModule,
  bytesBody,
  distinctTypes,
  joined,
  prepareBytes,
  repeated,
} from "./built-module.ts";

const run: Export = { name: "run", kind: "func", index: 0 };
const alloc: Import = { module: "extism:host/env", name: "alloc", desc: { kind: "func", type: 1 } };
const long = 0x7e;
const constant = (value: number) => assemble([["i32.const", value], ["end"]]);
const number: Global = { type: { type: i32, mutable: true }, init: constant(0) };
const table = (min: number): TableType => ({ element: funcref, limits: { min, max: null } });
const list = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const passive = (functions: readonly number[]): ElementSegment => ({
  segment: { mode: "passive" },
  type: funcref,
  items: { functions },
});
const emptyIf: readonly Instruction[] = [["i32.const", 0], ["if", null], ["end"]];

/** So many branches over 999 locals. */
function branchesOver(count: number): FunctionBody {
  const branch: readonly Instruction[] = [
    ["local.get", 0],
    ["br_if", 0],
  ];
  return bytesBody(joined(assemble([["block", null]]), repeated(count, branch), assemble([["end"]])), 999);
}

/** A custom section makes the module exactly as long as asked for. */
function ofBytes(total: number): BuiltModule {
  const bare = buildModule({ customs: [{ name: "x", bytes: new Uint8Array(total - 100) }] }).length;
  return { customs: [{ name: "x", bytes: new Uint8Array(total - 100 + (total - bare)) }] };
}

/** By limit: a module that has so many of it. */
const modules: Partial<Record<keyof typeof moduleLimits, (count: number) => BuiltModule>> = {
  moduleBytes: ofBytes,
  functions: (count) => ({ functions: list(count, () => 0), code: list(count, () => answering()) }),
  types: (count) => ({ types: [{ params: [], results: [i32] }, ...distinctTypes(count - 1)] }),
  typeParameters: (count) => ({
    types: [
      { params: [], results: [i32] },
      { params: list(count, () => i32), results: [] },
    ],
  }),
  typeResults: (count) => ({
    types: [
      { params: [], results: [i32] },
      { params: [], results: list(count, () => f64) },
    ],
  }),
  typeValues: (count) => ({
    types: [
      { params: [], results: [i32] },
      ...list(65, () => ({ params: list(1_000, () => i32), results: [] })),
      { params: list(count - 65_001, () => i32), results: [] },
    ],
  }),
  imports: (count) => ({
    types: [
      { params: [], results: [i32] },
      { params: [long], results: [long] },
    ],
    imports: list(count, () => alloc),
    exports: [{ ...run, index: count }],
  }),
  exports: (count) => ({ exports: [run, ...list(count - 1, (index) => ({ ...run, name: `run${index}` }))] }),
  exportNameChars: (count) => ({ exports: [run, { ...run, name: "x".repeat(count - 3) }] }),
  globals: (count) => ({ globals: list(count, () => number) }),
  dataSegments: (count) => ({
    memories: [{ min: 1, max: null }],
    data: list(count, (index) => ({
      segment: { mode: "active", index: 0, offset: constant(index % 60_000) },
      bytes: Uint8Array.of(index),
    })),
  }),
  elementSegments: (count) => ({ elements: list(count, () => passive([0])) }),
  elementItems: (count) => ({ elements: [passive([0, 0]), passive(list(count - 2, () => 0))] }),
  customSections: (count) => ({
    customs: list(count, (index) => ({ name: `${index}`, bytes: new Uint8Array(1) })),
  }),
  tables: (count) => ({ tables: list(count, () => table(1)) }),
  tableElements: (count) => ({
    tables: [table(2), { element: externref, limits: { min: count - 2, max: null } }],
  }),
  memories: (count) => ({ memories: list(count, () => ({ min: 1, max: 1 })) }),
  memoryPages: (count) => ({ memories: [{ min: count, max: null }] }),
  localRuns: (count) => ({
    code: [{ ...answering(), locals: list(count, () => ({ count: 0, type: i32 })) }],
  }),
  localsPerFunction: (count) => ({ code: [answering([], count)] }),
  operandsPerFunction: (count) => ({
    code: [bytesBody(joined(repeated(count, [["i32.const", 1]]), repeated(count, [["drop"]])))],
  }),
  nestingPerFunction: (count) => ({
    code: [bytesBody(joined(repeated(count, [["block", null]]), repeated(count, [["end"]])))],
  }),
  branchTableTargets: (count) => ({
    code: [
      answering([
        ["block", null],
        ["i32.const", 0],
        ["br_table", { targets: list(count, () => 0), otherwise: 0 }],
        ["end"],
      ]),
    ],
  }),
  functionBytes: (count) => ({ code: [bytesBody(repeated(count - 3, [["nop"]]))] }),
  // 999 locals: each `if` and the function's own end count 1,000.
  localsTimesMerges: (count) => ({
    code: [bytesBody(repeated(Math.ceil(count / 1_000) - 1, emptyIf), 999)],
  }),
  // 999 locals: each `if` and each function's own end count 1,000.
  moduleLocalsTimesMerges: (count) => {
    const places = Math.ceil(count / 1_000);
    const code = list(21, () => bytesBody(repeated(949, emptyIf), 999));
    const last = bytesBody(repeated(places - 21 * 950 - 1, emptyIf), 999);
    return { functions: list(22, () => 0), code: [...code, last] };
  },
  moduleBranchedValues: (count) => {
    const branches = Math.ceil(count / 1_000);
    const code = list(3, () => branchesOver(19_000));
    return { functions: list(4, () => 0), code: [...code, branchesOver(branches - 3 * 19_000)] };
  },
  // 999 locals: each br_if counts 1,000.
  branchedValues: (count) => ({ code: [branchesOver(Math.ceil(count / 1_000))] }),
};

for (const [name, make] of Object.entries(modules)) {
  const max = moduleLimits[name as keyof typeof moduleLimits];
  test(`${name}: ${max} are admitted, one more is rejected with the limit's name and value`, async () => {
    await prepareBytes(buildModule(make(max)));
    await assert.rejects(prepareBytes(buildModule(make(max + 1))), (thrown) => {
      assert.ok(thrown instanceof Rejected);
      assert.equal(thrown.code, "limit");
      assert.equal(thrown.limit?.name, name);
      assert.equal(thrown.limit?.max, max);
      assert.ok(thrown.limit.value > max && thrown.limit.value <= max + 1_000);
      assert.match(thrown.message, new RegExp(`${thrown.limit.value} is over the limit ${name} = ${max}`));
      return true;
    });
  });
}

test("every limit of a module has a test here, but the six of metering and the two hard ones", () => {
  const tested = Object.keys(modules).sort();
  const others = [
    "meteredModuleBytes",
    "meteredFunctionBytes",
    "meteredLocalsTimesMerges",
    "meteredBranchedValues",
    "meteredModuleLocalsTimesMerges",
    "meteredModuleBranchedValues",
    "memoryPagesHard",
    "moduleBytesHard",
  ];
  assert.deepEqual(
    tested,
    Object.keys(moduleLimits)
      .filter((name) => !others.includes(name))
      .sort(),
  );
});

const emptyLoops = (count: number) => bytesBody(repeated(count, [["loop", null], ["end"]]));
/** So many globals and functions that their indices take two and three bytes. */
const farIndices = { globals: list(1_900, () => number), functions: list(17_000, () => 0) };

for (const [limit, members] of [
  [
    "meteredModuleBytes",
    { ...farIndices, code: [...list(36, () => emptyLoops(145_000)), ...list(16_964, () => answering())] },
  ],
  [
    "meteredFunctionBytes",
    // Around each call of an import the fuel goes to its counter and back.
    {
      ...farIndices,
      types: [
        { params: [], results: [i32] },
        { params: [], results: [] },
      ],
      imports: [{ module: "extism:host/env", name: "alloc", desc: { kind: "func", type: 1 } }],
      exports: [{ ...run, index: 1 }],
      code: [bytesBody(repeated(262_000, [["call", 0]])), ...list(16_999, () => answering())],
    },
  ],
  [
    // Each memory.grow costs half of what may run between two checks, and each check is one more place to meet.
    "meteredLocalsTimesMerges",
    {
      memories: [{ min: 1, max: null }],
      code: [bytesBody(repeated(4_000, [["i32.const", 0], ["memory.grow", 0], ["drop"]]), 1_999)],
    },
  ],
] as const satisfies readonly (readonly [string, BuiltModule])[]) {
  test(`${limit}: code that metering makes too large is rejected`, async () => {
    const policy = {
      moduleBytes: moduleLimits.moduleBytesHard,
      memoryPages: moduleLimits.memoryPages,
      imports: standardImports,
    };
    await assert.rejects(prepare(buildModule(members), policy), (thrown) => {
      assert.ok(thrown instanceof Rejected);
      assert.equal(thrown.limit?.name, limit);
      return true;
    });
  });
}
