import assert from "node:assert/strict";
import { Rejected } from "#host/sandbox/rejected.ts";
import { decodeModule } from "#host/sandbox/wasm/decode.ts";
import { MalformedWasm } from "#host/sandbox/wasm/malformed.ts";
import type { ValType } from "#host/sandbox/wasm/module.ts";
import { typeOfFunction } from "#host/sandbox/wasm/signatures.ts";
import { externref, f32, f64, i32, i64 } from "#host/sandbox/wasm/value-types.ts";
import { randomFrom } from "#test/wasm/random.ts";
import { openPair } from "../pair.ts";
import type { MakeImports } from "../run-module.ts";
import { makeObservable } from "./observable.ts";

/** What became of one random module. */
export type Compared = {
  /** False for a module that the sandbox does not admit. */
  readonly compared: boolean;
  readonly functions: number;
  readonly calls: number;
  /** Calls that trapped, on both sides. */
  readonly trapped: number;
};

/** Every export is called so often: state carries over, and arguments differ. */
const rounds = 3;

/**
 * Runs a random module and what the sandbox makes of it with the same calls. Each eighth module, one without reference
 * types, stays as it is, so that our own codec is not on both sides. Throws an AssertionError when they differ.
 */
export async function compareRandom(bytes: Uint8Array, seed: number): Promise<Compared> {
  try {
    return await compareAdmitted(seed % 8 === 0 ? bytes : makeObservable(bytes), seed);
  } catch (thrown) {
    if (!(thrown instanceof Rejected) && !(thrown instanceof MalformedWasm)) throw thrown;
    const kind = thrown instanceof Rejected ? thrown.code : thrown.kind;
    // Any other refusal of a module that wasm-opt made is a defect of ours.
    if (kind !== "unsupported") assert.fail(`refused (${kind}): ${thrown.message}`);
    return { compared: false, functions: 0, calls: 0, trapped: 0 };
  }
}

async function compareAdmitted(bytes: Uint8Array, seed: number): Promise<Compared> {
  const pair = await openPair(bytes, fuzzImports);
  const functions = functionsOf(bytes);
  const random = randomFrom(seed);
  // What did not start has no exports.
  const starts = "trapped" in pair.started ? 0 : rounds;
  let trapped = 0;
  for (let round = 0; round < starts; round++) {
    for (const { name, params } of functions) {
      const args = params.map((type) => argument(type, random));
      if ("trapped" in pair.call(name, args)) trapped++;
    }
  }
  return { compared: true, functions: functions.length, calls: pair.calls, trapped };
}

function functionsOf(bytes: Uint8Array): { name: string; params: readonly ValType[] }[] {
  const module = decodeModule(bytes, () => {});
  return module.exports
    .filter(({ kind }) => kind === "func")
    .map(({ name, index }) => ({ name, params: typeOfFunction(module, index).params }));
}

const edges = new Map<ValType, readonly unknown[]>([
  [i32, [0, 1, -1, 2, 7, 31, 32, 255, 65_535, 65_536, 2 ** 31 - 1, -(2 ** 31), 0x1234_5678]],
  [i64, [0n, 1n, -1n, 63n, 64n, 2n ** 32n, 2n ** 63n - 1n, -(2n ** 63n), 0x1234_5678_9abc_def0n]],
  [f32, [0, -0, 1, -1.5, Number.NaN, Infinity, -Infinity, 2 ** 31, 1e-45, 3.4e38]],
  [f64, [0, -0, 1, -1.5, Number.NaN, Infinity, -Infinity, 2 ** 63, 5e-324, 1.7e308]],
  [externref, [null, "text", 5]],
]);

function argument(type: ValType, random: () => number): unknown {
  const values = edges.get(type) ?? [null];
  return values[Math.floor(random() * values.length)];
}

/** A module that catches what it calls may call itself for ever, over its own limit for that. */
const callBacks = { deep: 4, inAll: 100 };

/** The imports of a module of `wasm-opt --translate-to-fuzz`, which may call back and change the table. */
const fuzzImports: MakeImports = (note, self) => {
  let depth = 0;
  let calls = 0;
  const log = (kind: string) => (value: unknown, upper?: unknown) =>
    note(`${kind} ${String(value)} ${String(upper ?? "")}`);

  function table(): WebAssembly.Table {
    const found = self().find((one) => one instanceof WebAssembly.Table);
    if (found === undefined) throw new Error("no table yet");
    return found;
  }

  function call(target: unknown): void {
    if (depth >= callBacks.deep || calls >= callBacks.inAll) throw new Error("too many calls back");
    if (typeof target !== "function") throw new Error("no function");
    depth++;
    calls++;
    try {
      target(...new Array<number>(target.length).fill(0));
    } finally {
      depth--;
    }
  }

  function caught(target: unknown): number {
    try {
      call(target);
      return 0;
    } catch (thrown) {
      note(`caught ${String(thrown)}`);
      return 1;
    }
  }

  return {
    "fuzzing-support": {
      ...Object.fromEntries(["i32", "i64", "f32", "f64", "v128"].map((type) => [`log-${type}`, log(type)])),
      "table-get": (index: number) => table().get(index >>> 0),
      "table-set": (index: number, value: unknown) => table().set(index >>> 0, value),
      "call-export": (index: number) => call(self()[index]),
      "call-export-catch": (index: number) => caught(self()[index]),
      "call-ref": call,
      "call-ref-catch": caught,
      sleep: (_ms: number, id: number) => id,
    },
  };
};
