import type { WasmModule } from "../../host/sandbox/wasm/module.ts";
import { type IndexMaps, remapBody, remapElement, remapExport } from "../../host/sandbox/wasm/remap.ts";
import { anyOfTable, callGraph, reachable } from "./call-graph.ts";

/** The custom section of the engine with the number of functions that plugins need, as text. */
const section = "plugin-part";

/**
 * The engine with the functions in front that plugins need: what `root`, the one export that they call, or a table leads
 * to. The others are the compiler's. Every import must be a function.
 */
export function withPluginPart(engine: WasmModule, root: string): WasmModule {
  const { index: rootIndex = -1 } = engine.exports.find(({ name }) => name === root) ?? {};
  const graph = callGraph(engine);
  const needed = reachable(graph, rootIndex).union(reachable(graph, anyOfTable)).add(rootIndex);

  const imported = engine.imports.length;
  const all = engine.code.map(({ locals, body }, index) => {
    return { old: imported + index, type: engine.functions[index] ?? -1, locals, body };
  });
  const part = all.filter(({ old }) => needed.has(old));
  const ordered = [...part, ...all.filter(({ old }) => !needed.has(old))];
  const moved = new Map(ordered.map(({ old }, index) => [old, imported + index]));
  const maps: IndexMaps = { func: (index) => moved.get(index) ?? index };
  return {
    ...engine,
    functions: ordered.map(({ type }) => type),
    exports: engine.exports.map((one) => remapExport(one, maps)),
    elements: engine.elements.map((one) => remapElement(one, maps)),
    code: ordered.map(({ locals, body }) => ({ locals, body: remapBody(body, maps) })),
    customs: [...engine.customs, { name: section, bytes: new TextEncoder().encode(`${part.length}`) }],
  };
}

/** The engine as plugins get it: without the functions, and the exports, of the compiler alone. */
export function pluginPart(engine: WasmModule): WasmModule {
  const count = engine.customs.find(({ name }) => name === section);
  if (count === undefined) throw new Error(`the engine has no section ${section}; build it again`);
  const length = Number(new TextDecoder().decode(count.bytes));
  const end = engine.imports.length + length;
  return {
    ...engine,
    functions: engine.functions.slice(0, length),
    code: engine.code.slice(0, length),
    exports: engine.exports.filter(({ kind, index }) => kind === "func" && index < end),
  };
}
