import { fileURLToPath } from "node:url";
import { callLimits, moduleLimits } from "#host/limits.ts";
import { createPool } from "#host/sandbox/pool.ts";
import type { PreparedModule } from "#host/sandbox/prepare.ts";
import { Rejected } from "#host/sandbox/rejected.ts";
import { assemble, type Instruction } from "#host/sandbox/wasm/emit.ts";
import type { FuncType } from "#host/sandbox/wasm/module.ts";
import { funcref, i32 } from "#host/sandbox/wasm/value-types.ts";
import { createWriter, writeU32, written } from "#host/sandbox/wasm/writer.ts";
import {
  answering,
  buildModule,
  bytesBody,
  distinctTypes,
  joined,
  prepareBytes,
  repeated,
} from "./built-module.ts";

/** What a small module makes of a machine; `maxMib` bounds what the process may grow by. */
type Bomb = { readonly outcome: string; readonly maxMib: number; readonly bytes: () => Uint8Array };

export type BombResult = {
  readonly outcome: string;
  /** By how much the process's highest memory use rose. */
  readonly grownMib: number;
  /** The outcome of an honest module right after. */
  readonly after: string;
};

const hook: FuncType = { params: [], results: [i32] };
const many = <T>(count: number, once: readonly T[]): T[] => Array.from({ length: count }, () => once).flat();
const procedure = { locals: [], body: assemble([["end"]]) };
const values = (count: number) => Array.from({ length: count }, () => i32);
const emptyIf: readonly Instruction[] = [["i32.const", 0], ["if", null], ["end"]];
const push: readonly Instruction[] = [["i32.const", 0]];
/** Leaves the function, whatever lies on the stack below. */
const leave: readonly Instruction[] = [["i32.const", 0], ["return"]];

/** By name; run as a program, this file sets them all off and prints their `BombResult` by name. */
export const bombs: Readonly<Record<string, Bomb>> = {
  "50,000 locals x 500 ifs": {
    outcome: "limit localsPerFunction",
    maxMib: 40,
    bytes: () => buildModule({ code: [bytesBody(repeated(500, emptyIf), 50_000)] }),
  },
  "2,000 locals x 5,000 ifs": {
    outcome: "limit localsTimesMerges",
    maxMib: 40,
    bytes: () => buildModule({ code: [bytesBody(repeated(5_000, emptyIf), 1_990)] }),
  },
  "20,000 operands x 5,000 ifs": {
    outcome: "limit operandsPerFunction",
    maxMib: 40,
    bytes: () => buildModule({ code: [bytesBody(joined(repeated(20_000, push), repeated(5_000, emptyIf)))] }),
  },
  "3,900 operands x 5,000 ifs": {
    outcome: "limit localsTimesMerges",
    maxMib: 40,
    bytes: () => buildModule({ code: [bytesBody(joined(repeated(3_900, push), repeated(5_000, emptyIf)))] }),
  },
  "a block with 1,000 parameters": {
    outcome: "limit typeResults",
    maxMib: 40,
    bytes: () =>
      buildModule({
        types: [hook, { params: values(1_000), results: [] }],
        code: [bytesBody(assemble([...many(1_000, push), ["block", { type: 1 }], ...leave, ["end"]]))],
      }),
  },
  "1,000 results of a function": {
    outcome: "limit typeResults",
    maxMib: 40,
    bytes: () => buildModule({ types: [hook, { params: [], results: values(1_000) }] }),
  },
  "32 operands from each of 100,000 calls": {
    outcome: "limit operandsPerFunction",
    maxMib: 60,
    bytes: () =>
      buildModule({
        types: [hook, { params: [], results: values(32) }],
        functions: [0, 1],
        code: [
          bytesBody(joined(repeated(100_000, [["call", 1]]), assemble(leave))),
          bytesBody(repeated(31, push)),
        ],
      }),
  },
  "200 calls with 1,000 arguments": {
    outcome: "limit branchedValues",
    maxMib: 60,
    bytes: () =>
      buildModule({
        types: [hook, { params: values(1_000), results: [] }],
        functions: [0, 1],
        code: [bytesBody(repeated(200, [...many(1_000, push), ["call", 1]])), procedure],
      }),
  },
  "20 calls with 1,000 arguments in each of 100 functions": {
    outcome: "limit moduleBranchedValues",
    maxMib: 60,
    bytes: () =>
      buildModule({
        types: [hook, { params: values(1_000), results: [] }],
        functions: [...many(100, [0]), 1],
        code: [...many(100, [bytesBody(repeated(19, [...many(1_000, push), ["call", 100]]))]), procedure],
      }),
  },
  "490 ifs over 1,990 locals in each of 1,500 functions": {
    outcome: "limit moduleLocalsTimesMerges",
    maxMib: 60,
    bytes: () =>
      buildModule({
        functions: many(1_500, [0]),
        code: many(1_500, [bytesBody(repeated(490, emptyIf), 1_990)]),
      }),
  },
  "2,000,000 runs of no locals": {
    outcome: "limit localRuns",
    maxMib: 40,
    bytes: () =>
      buildModule({ code: [{ ...answering(), locals: many(2_000_000, [{ count: 0, type: i32 }]) }] }),
  },
  "a constant of 4,000,000 bytes": {
    outcome: "unsupported",
    maxMib: 40,
    bytes: () =>
      buildModule({
        globals: [
          {
            type: { type: i32, mutable: false },
            init: joined(
              assemble(push),
              repeated(1_300_000, [["i32.const", 0], ["i32.add"]]),
              assemble([["end"]]),
            ),
          },
        ],
      }),
  },
  "4,000 types with 1,000 parameters": {
    outcome: "limit typeValues",
    maxMib: 60,
    bytes: () => buildModule({ types: [hook, ...many(3_999, [{ params: values(1_000), results: [] }])] }),
  },
  "511 export names of 8,000 characters": {
    outcome: "limit exportNameChars",
    maxMib: 40,
    bytes: () =>
      buildModule({
        exports: [
          { name: "run", kind: "func", index: 0 },
          ...values(511).map((_, index) => ({
            name: `${index}`.padEnd(8_000, "x"),
            kind: "func" as const,
            index: 0,
          })),
        ],
      }),
  },
  "130,000 branches over 1,990 locals": {
    outcome: "limit branchedValues",
    maxMib: 40,
    bytes: () =>
      buildModule({
        code: [
          bytesBody(
            joined(
              assemble([["block", null]]),
              repeated(130_000, [
                ["local.get", 0],
                ["br_if", 0],
              ]),
              assemble([["end"]]),
            ),
            1_990,
          ),
        ],
      }),
  },
  "100,000 nested blocks": {
    outcome: "limit nestingPerFunction",
    maxMib: 40,
    bytes: () =>
      buildModule({
        code: [bytesBody(joined(repeated(100_000, [["block", null]]), repeated(100_000, [["end"]])))],
      }),
  },
  "2^32 - 1 locals in four bytes": {
    outcome: "limit localsPerFunction",
    maxMib: 40,
    bytes: () => buildModule({ code: [answering([], 2 ** 32 - 1)] }),
  },
  "ten tables of 10,000,000": {
    outcome: "limit tables",
    maxMib: 40,
    bytes: () =>
      buildModule({
        tables: Array.from({ length: 10 }, () => ({
          element: funcref,
          limits: { min: 10_000_000, max: null },
        })),
      }),
  },
  "a type with 4,000,000 parameters": {
    outcome: "limit typeValues",
    maxMib: 200,
    bytes: () => buildModule({ types: [hook, { params: values(4_000_000), results: [] }] }),
  },
  "98,304 types": {
    outcome: "limit types",
    maxMib: 60,
    bytes: () => buildModule({ types: distinctTypes(16_384).flatMap((type) => Array(6).fill(type)) }),
  },
  "1,000,000 data segments": {
    outcome: "limit dataSegments",
    maxMib: 100,
    bytes: () => {
      const out = createWriter();
      writeU32(out, 1_000_000);
      const content = joined(
        written(out),
        new Uint8Array(2_000_000).fill(1).map((_, at) => (at % 2 === 0 ? 1 : 0)),
      );
      return withSection(11, content);
    },
  },
  "4,000,000 bytes of data beyond the memory": {
    outcome: "malformed",
    maxMib: 100,
    bytes: () =>
      buildModule({
        memories: [{ min: 1, max: 1 }],
        data: [
          {
            segment: { mode: "active", index: 0, offset: assemble([["i32.const", -1], ["end"]]) },
            bytes: new Uint8Array(4_000_000),
          },
        ],
      }),
  },
  "2,000,000 members of elements": {
    outcome: "limit elementItems",
    maxMib: 100,
    bytes: () =>
      buildModule({
        elements: [
          {
            segment: { mode: "passive" },
            type: funcref,
            items: { functions: new Array<number>(2_000_000).fill(0) },
          },
        ],
      }),
  },
  "everything at its limit": {
    outcome: "ok",
    maxMib: 400,
    bytes: () =>
      buildModule({
        functions: new Array<number>(18).fill(0),
        code: Array.from({ length: 18 }, () => bytesBody(repeated(490, emptyIf), 1_990)),
        memories: [{ min: moduleLimits.memoryPages, max: null }],
        tables: [{ element: funcref, limits: { min: moduleLimits.tableElements, max: null } }],
      }),
  },
};

function withSection(id: number, content: Uint8Array): Uint8Array {
  const out = createWriter();
  writeU32(out, content.length);
  return joined(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, id), written(out), content);
}

/** How preparing, starting and calling ends, in the words of the rejection or the outcome. */
async function outcomeOf(bytes: Uint8Array): Promise<string> {
  try {
    return await call(await prepareBytes(bytes));
  } catch (thrown) {
    if (!(thrown instanceof Rejected)) throw thrown;
    return [thrown.code, ...(thrown.limit === undefined ? [] : [thrown.limit.name])].join(" ");
  }
}

async function call(prepared: PreparedModule): Promise<string> {
  const pool = await createPool(prepared, {
    name: "bomb",
    config: null,
    state: "request",
    limits: {
      fuel: callLimits.fuel,
      deadlineMs: callLimits.deadlineMs,
      memoryPages: moduleLimits.memoryPages,
    },
    imports: {},
    log: () => {},
  });
  const { outcome } = await pool.call("run", "");
  await pool.close();
  return outcome;
}

const peakMib = () => process.resourceUsage().maxRSS / 1024;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await outcomeOf(buildModule());
  const results: Record<string, BombResult> = {};
  for (const [name, { bytes }] of Object.entries(bombs)) {
    const module = bytes();
    const before = peakMib();
    const outcome = await outcomeOf(module);
    results[name] = {
      outcome,
      grownMib: Math.round(peakMib() - before),
      after: await outcomeOf(buildModule()),
    };
  }
  process.stdout.write(JSON.stringify(results));
}
