import { createKernel, type Kernel } from "#host/sandbox/kernel.ts";
import type { FigureDefinition } from "../figure.ts";
import { geometricMean, interleave, type Work } from "../interleaved.ts";
import { chatHookName, chatInput, compileChatHook } from "./chat-call.ts";
import { compiledModules } from "./compiled-modules.ts";
import { importsAnsweringZero, meteredPair, type Side } from "./metered-pair.ts";

/** V8 compiles hot functions anew in the background; a figure must not start before. */
const warmUpMs = 2_500;

/** Calls of the hook of a TypeScript plugin: QuickJS parses, edits and writes a chat body of 2 KB. */
const quickjsJson: FigureDefinition = {
  name: "meter_overhead_quickjs_json",
  aim: { most: 1.35 },
  async measure() {
    const input = chatInput(2_048);
    const kernels = { metered: createKernel(), raw: createKernel() };
    const pair = await meteredPair(await compileChatHook(), (module, side) => ({
      "extism:host/env": { ...importsAnsweringZero(module)["extism:host/env"], ...kernels[side].env },
    }));
    const work = (side: Side) => repeated(() => callHook(pair[side], kernels[side], input));
    const { ratio, aUs, bUs, rounds } = await interleave(work("metered"), work("raw"), { warmUpMs });
    return { value: ratio, details: { meteredUs: aUs, rawUs: bUs, rounds } };
  },
};

/** Modules of C, C++ and Rust from npm, at the work that they exist for. */
const compiled: FigureDefinition = {
  name: "meter_overhead_compiled",
  aim: { most: 1.25 },
  async measure() {
    const modules: Record<string, number> = {};
    for (const { name, read, ready } of compiledModules) {
      const { metered, raw } = await meteredPair(await read());
      const { ratio } = await interleave(repeated(ready(metered.exports)), repeated(ready(raw.exports)), {
        warmUpMs,
      });
      modules[name] = Number(ratio.toPrecision(4));
    }
    return { value: geometricMean(Object.values(modules)), details: { modules } };
  },
};

export const meterFigures: readonly FigureDefinition[] = [quickjsJson, compiled];

function callHook({ exports }: WebAssembly.Instance, kernel: Kernel, input: string): void {
  kernel.begin(input);
  const code = (exports[chatHookName] as () => number)();
  if (code !== 0 || kernel.outputLength() < input.length / 2) throw new Error(`the hook answered ${code}`);
}

function repeated(once: () => void): Work {
  return (times) => {
    for (let count = 0; count < times; count++) once();
  };
}
