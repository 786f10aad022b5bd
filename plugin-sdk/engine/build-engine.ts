import { assemble } from "../../host/sandbox/wasm/emit.ts";
import { encodeModule } from "../../host/sandbox/wasm/encode.ts";
import type { WasmModule } from "../../host/sandbox/wasm/module.ts";
import { funcref, i32 } from "../../host/sandbox/wasm/value-types.ts";
import { buildShim } from "./build-shim.ts";
import { hashNumbers } from "./hash-numbers.ts";
import { stateAt } from "./layout.ts";
import { bindImports, joinModules } from "./link-modules.ts";
import { padFrames } from "./pad-frames.ts";
import { withPluginPart } from "./plugin-part.ts";
import { quickjsTableElements, readQuickjs } from "./quickjs-module.ts";

/**
 * The engine: QuickJS and the shim in one module. It imports `extism:host/env` and the slots of the shim, and
 * exports what QuickJS does, `dispatch` and `invoke`.
 */
export async function buildEngine(): Promise<Uint8Array> {
  const [quickjs, shim] = [await readQuickjs(), await buildShim()];
  const joined = joinModules(padFrames(hashNumbers(quickjs)), shim);
  const functions = new Map(
    joined.exports.filter(({ kind }) => kind === "func").map(({ name, index }) => [name, index]),
  );
  const linked = bindImports(joined, ({ module, name }) => {
    if (module === "slot" && name === "dispatch_index") {
      const body = assemble([["i32.const", quickjsTableElements], ["end"]]);
      return { type: { params: [], results: [i32] }, code: { locals: [], body } };
    }
    if (module === "slot" || module === "wasi" || module.startsWith("extism:")) return undefined;
    const index = functions.get(name);
    if (index === undefined) throw new Error(`nothing exports ${name}, which ${module} should provide`);
    return { function: index };
  });
  const engine = withPluginPart(withDispatch(linked), "invoke");
  const bytes = encodeModule(engine);
  await WebAssembly.compile(bytes as Uint8Array<ArrayBuffer>);
  return bytes;
}

/** Appends `dispatch` to the table and lowers the stack, so that the state block lies between it and the data. */
function withDispatch(module: WasmModule): WasmModule {
  const index = module.exports.find(({ name }) => name === "dispatch")?.index ?? -1;
  return {
    ...module,
    tables: module.tables.map(({ element, limits }) => ({
      element,
      limits: { min: limits.min + 1, max: limits.min + 1 },
    })),
    globals: module.globals.map(({ type }, at) => ({
      type,
      init:
        at === 0
          ? assemble([["i32.const", stateAt], ["end"]])
          : (module.globals[at]?.init ?? new Uint8Array()),
    })),
    elements: [
      ...module.elements,
      {
        segment: {
          mode: "active",
          index: 0,
          offset: assemble([["i32.const", quickjsTableElements], ["end"]]),
        },
        type: funcref,
        items: { functions: [index] },
      },
    ],
  };
}
