import { performance } from "node:perf_hooks";
import { compilePlugin } from "#sdk/compile/compile-plugin.ts";
import type { FigureDefinition } from "../figure.ts";
import { interleave, median, quantile } from "../interleaved.ts";
import { chatHookName, chatInput, compileChatHook } from "../sandbox/chat-call.ts";
import chatHook from "../sandbox/chat-hook.ts";
import { collectGarbage, newInstance } from "../sandbox/instances.ts";
import { openPool, prepareModule } from "../sandbox/open-pool.ts";
import { withSources } from "./sources.ts";

/** From a prepared module to an instance that takes calls. */
const instantiate: FigureDefinition = {
  name: "instantiate_us",
  aim: { most: 300 },
  measure: () =>
    withSources(async ({ ts }) => {
      const prepared = await prepareModule((await compilePlugin(ts)).wasm);
      const samples: number[] = [];
      for (let count = 0; count < 1_000; count++) {
        const from = performance.now();
        const instance = await newInstance(prepared);
        samples.push((performance.now() - from) * 1_000);
        instance.dispose();
        // Only a collection of garbage gives address space back.
        if (count % 100 === 0) collectGarbage();
      }
      return {
        value: median(samples),
        details: { p99Us: quantile(samples, 0.99), instances: samples.length },
      };
    }),
};

/** How much longer a hook takes in the sandbox than the same source as a function of this process, text to text. */
const versusPlain: FigureDefinition = {
  name: "ts_hook_vs_plain_v8",
  async measure() {
    const input = chatInput(2_048);
    const pool = await openPool(await prepareModule(await compileChatHook()));
    const plain = () => {
      const effect = chatHook.handlers.preRequest?.(JSON.parse(input), unusedHost);
      return JSON.stringify({ effects: [effect] });
    };
    const { output } = await pool.call(chatHookName, input);
    if (new TextDecoder().decode(output) !== plain()) throw new Error("the two do not answer the same");
    const sandboxed = async (times: number) => {
      for (let count = 0; count < times; count++) {
        const { outcome, error } = await pool.call(chatHookName, input);
        if (outcome !== "ok") throw new Error(`${outcome}: ${error}`);
      }
    };
    const inProcess = (times: number) => {
      for (let count = 0; count < times; count++) plain();
    };
    const { ratio, aUs, bUs, rounds } = await interleave(sandboxed, inProcess, { warmUpMs: 2_500 });
    await pool.close(0);
    return { value: ratio, details: { sandboxedUs: aUs, plainUs: bUs, rounds } };
  },
};

/** The hook takes nothing from it. */
const unusedHost = {} as never;

export const callFigures: readonly FigureDefinition[] = [instantiate, versusPlain];
