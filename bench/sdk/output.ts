import { gzipSync } from "node:zlib";
import { decodeModule } from "#host/sandbox/wasm/decode.ts";
import { compilePlugin } from "#sdk/compile/compile-plugin.ts";
import type { FigureDefinition } from "../figure.ts";
import { type Sources, withSources } from "./sources.ts";

/** The size of a module, and of its two large parts: the engine's code, and the memory that it begins with. */
function outputFigure(name: string, entryOf: (sources: Sources) => string): FigureDefinition {
  return {
    name,
    aim: { most: 800_000 },
    measure: () =>
      withSources(async (sources) => {
        const { wasm } = await compilePlugin(entryOf(sources));
        const { code, data, customs } = decodeModule(wasm);
        const details = {
          codeBytes: sum(code.map(({ body }) => body.length)),
          memoryBytes: sum(data.map(({ bytes }) => bytes.length)),
          customBytes: sum(customs.map(({ bytes }) => bytes.length)),
          gzipBytes: gzipSync(wasm).length,
        };
        return { value: wasm.length, details };
      }),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

export const outputFigures: readonly FigureDefinition[] = [
  outputFigure("readme_plugin_bytes", ({ ts }) => ts),
  outputFigure("key_auth_bytes", ({ keyAuth }) => keyAuth),
];
