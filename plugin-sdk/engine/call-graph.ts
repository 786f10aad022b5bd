import { nextInstruction, scanOf } from "../../host/sandbox/wasm/instructions.ts";
import type { WasmModule } from "../../host/sandbox/wasm/module.ts";
import { opcodeImmediates, opcodes } from "../../host/sandbox/wasm/opcodes.ts";

/** From each function to those that it calls, or names in another way. */
export type Graph = ReadonlyMap<number, ReadonlySet<number>>;

/** Stands for an indirect call: each makes one of it, and it calls every function that a table holds. */
export const anyOfTable = -1;

export function callGraph({ imports, code, elements }: WasmModule): Graph {
  const first = imports.filter(({ desc }) => desc.kind === "func").length;
  const graph = new Map(code.map(({ body }, index) => [first + index, calleesOf(body)]));
  const held = elements.flatMap(({ items }) => ("functions" in items ? items.functions : []));
  return graph.set(anyOfTable, new Set(held));
}

function calleesOf(body: Uint8Array): Set<number> {
  const callees = new Set<number>();
  const scan = scanOf(body);
  while (nextInstruction(scan)) {
    if (opcodeImmediates[scan.code]?.[0] === "func") callees.add(scan.first);
    if (scan.code === opcodes.call_indirect[0]) callees.add(anyOfTable);
  }
  return callees;
}

/** What `from` calls, and what that calls; `from` itself only when a way leads back to it. */
export function reachable(graph: Graph, from: number): Set<number> {
  const seen = new Set<number>();
  const queue = [from];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    for (const callee of graph.get(next) ?? []) {
      if (seen.has(callee)) continue;
      seen.add(callee);
      queue.push(callee);
    }
  }
  return seen;
}

export function reversed(graph: Graph): Graph {
  const callers = new Map<number, Set<number>>();
  for (const [caller, callees] of graph) {
    for (const callee of callees) {
      const known = callers.get(callee) ?? new Set();
      callers.set(callee, known.add(caller));
    }
  }
  return callers;
}
