import type { WasmModule } from "../../host/sandbox/wasm/module.ts";
import { anyOfTable, callGraph, reachable, reversed } from "./call-graph.ts";

/** Indices of the functions that may be called again before they have returned. */
export function recursiveFunctions(module: WasmModule): ReadonlySet<number> {
  const graph = callGraph(module);
  const throughTable = reachable(graph, anyOfTable).intersection(reachable(reversed(graph), anyOfTable));
  const direct = [...graph.keys()].filter((one) => !throughTable.has(one) && reachable(graph, one).has(one));
  return throughTable.union(new Set(direct));
}
