import assert from "node:assert/strict";
import { moduleLimits } from "#host/limits.ts";
import { prepareBytes } from "#host/sandbox/prepare.ts";
import { type Ending, type MakeImports, type Running, runModule } from "./run-module.ts";

/** An original and what the sandbox makes of it, both run outside of the gateway, step by step the same. */
export type Pair = {
  /** How instantiation of both ended. */
  readonly started: Ending;
  /**
   * Invokes an export of both and answers how both ended. Throws when they differ in that, in their memories,
   * globals, tables or calls of imports; when the prepared one paid nothing, or has written what it has not marked; and when a second prepared one
   * paid something else.
   */
  call(name: string, args?: readonly unknown[]): Ending;
  /** Invocations so far, and units they cost. */
  readonly calls: number;
  readonly fuelUsed: number;
};

/**
 * Both sides may have as much memory as V8 is allowed: below that a refused growth is a difference that is meant.
 * @throws Rejected for a module that the sandbox does not admit
 */
export async function openPair(bytes: Uint8Array, makeImports: MakeImports = () => ({})): Promise<Pair> {
  const policy = { memoryPages: moduleLimits.memoryPagesHard, imports: "any" } as const;
  const { wasm, inject } = await prepareBytes(bytes, policy);
  const compiled = new WebAssembly.Module(wasm);
  const original = runModule(new WebAssembly.Module(bytes), makeImports);
  const prepared = runModule(compiled, makeImports, inject);
  const twin = runModule(compiled, makeImports, inject);
  let calls = 0;
  let fuelUsed = 0;

  assert.deepEqual(prepared.started, original.started, "instantiation");
  compare(original, prepared, "instantiation");

  return {
    started: original.started,
    get calls() {
      return calls;
    },
    get fuelUsed() {
      return fuelUsed;
    },
    call(name, args = []) {
      const what = `${name}(${args.map(String).join(", ")})`;
      const ending = original.call(name, args);
      assert.deepEqual(prepared.call(name, args), ending, what);
      compare(original, prepared, what);
      assert.equal(prepared.unmarked(), null, `a byte that ${what} has written without a mark`);
      twin.call(name, args);
      twin.takeLog();
      assert.equal(twin.fuelUsed(), prepared.fuelUsed(), `fuel of ${what}, twice`);
      const runs = !isRefusedByJavaScript(ending) && !original.isImport(name);
      if (runs) assert.ok(prepared.fuelUsed() >= 1, `${what} is free`);
      calls += 1;
      fuelUsed += prepared.fuelUsed();
      return ending;
    },
  };
}

/** A function with a vector in its type cannot be entered from JavaScript. */
function isRefusedByJavaScript(ending: Ending): boolean {
  return "trapped" in ending && ending.trapped.startsWith("TypeError: ");
}

function compare(original: Running, prepared: Running, what: string): void {
  assert.deepEqual(prepared.takeLog(), original.takeLog(), `calls of imports by ${what}`);
  const [expected, actual] = [original.state(), prepared.state()];
  // The original has no exports when its start function traps; the prepared one traps after instantiation.
  if (expected === null) return;
  assert.deepEqual(actual?.values, expected.values, `globals and tables after ${what}`);
  for (const [name, bytes] of expected.memories) {
    const other = actual?.memories.get(name) ?? Buffer.alloc(0);
    if (bytes.equals(other)) continue;
    const at = bytes.findIndex((byte, index) => byte !== other[index]);
    assert.fail(`${name} differs after ${what}: ${bytes.length} and ${other.length} bytes, first at ${at}`);
  }
}
