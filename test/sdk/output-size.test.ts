import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { decodeModule } from "#host/sandbox/wasm/decode.ts";
import type { WasmModule } from "#host/sandbox/wasm/module.ts";
import { compilePlugin } from "#sdk/compile/compile-plugin.ts";
import { anyOfTable, callGraph, reachable } from "#sdk/engine/call-graph.ts";
import { loadEngine } from "#sdk/engine/engine.ts";
import { pluginPart } from "#sdk/engine/plugin-part.ts";

const keyAuth = join(import.meta.dirname, "../../plugins/key-auth/plugin.ts");

/** Of the functions that a module has, those that its exports or its table lead to. */
function used(module: WasmModule): Set<number> {
  const graph = callGraph(module);
  const exported = module.exports.flatMap(({ kind, index }) => (kind === "func" ? [index] : []));
  return [anyOfTable, ...exported].reduce(
    (all, from) => all.union(reachable(graph, from)),
    new Set<number>(exported),
  );
}

test("a bundled plugin takes at most 800 KB, and has no function that nothing leads to", async () => {
  const { wasm } = await compilePlugin(keyAuth);
  assert.ok(wasm.length <= 800_000, `${wasm.length} bytes`);
  const module = decodeModule(wasm);
  const functions = used(module);
  const lost = module.code
    .map((_body, index) => module.imports.length + index)
    .filter((at) => !functions.has(at));
  assert.deepEqual(lost, []);
});

test("what plugins get of the engine names no function of the rest, which is the compiler's", async () => {
  const engine = decodeModule(await loadEngine());
  const part = pluginPart(engine);
  assert.ok(part.code.length < engine.code.length);
  assert.equal(part.functions.length, part.code.length);
  assert.ok(part.exports.some(({ name }) => name === "invoke"));
  const end = part.imports.length + part.code.length;
  assert.deepEqual(
    [...used(part)].filter((index) => index >= end),
    [],
  );
});
