import { performance } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { moduleLimits } from "#host/limits.ts";
import { createInstance } from "#host/sandbox/instance.ts";
import { resolveImports } from "#host/sandbox/link.ts";
import type { Pool } from "#host/sandbox/pool.ts";
import type { PreparedModule } from "#host/sandbox/prepare.ts";
import { operatorShare, threadScheduler } from "#host/sandbox/scheduler.ts";
import type { FigureDefinition } from "../figure.ts";
import { interleave, median, quantile } from "../interleaved.ts";
import { chatHookName, chatInput, compileChatHook } from "./chat-call.ts";
import { openPool, prepareModule } from "./open-pool.ts";

/** A call that starts from the state after `configure` against one that starts from what the last left. */
const pristineStateCost: FigureDefinition = {
  name: "pristine_state_cost",
  aim: { most: 2 },
  async measure() {
    const prepared = await prepareModule(await compileChatHook());
    const input = chatInput(2_048);
    const [pristine, kept] = [await openPool(prepared), await openPool(prepared, { state: "instance" })];
    const work = (pool: Pool) => async (times: number) => {
      for (let count = 0; count < times; count++) await mustSucceed(pool, input);
    };
    const { ratio, aUs, bUs, rounds } = await interleave(work(pristine), work(kept), { warmUpMs: 1_500 });
    await Promise.all([pristine.close(0), kept.close(0)]);
    return { value: ratio, details: { pristineUs: aUs, keptUs: bUs, rounds } };
  },
};

async function mustSucceed(pool: Pool, input: string): Promise<void> {
  const { outcome, error } = await pool.call(chatHookName, input);
  if (outcome !== "ok") throw new Error(`${outcome}: ${error}`);
}

/** An instance of a TypeScript plugin and the state after `configure` in it, without the time to let go of it. */
const freshInstance: FigureDefinition = {
  name: "fresh_instance_us",
  async measure() {
    const prepared = await prepareModule(await compileChatHook());
    const first = await newInstance(prepared);
    const state = first.snapshot();
    const samples: number[] = [];
    for (let count = 0; count < 1_000; count++) {
      const from = performance.now();
      const instance = await newInstance(prepared);
      const restored = state !== null && instance.restore(state);
      samples.push((performance.now() - from) * 1_000);
      if (!restored) throw new Error("the state cannot be put back");
      instance.dispose();
      // Only a collection of garbage gives address space back.
      if (count % 100 === 0) collectGarbage();
    }
    return { value: median(samples), details: { p99Us: quantile(samples, 0.99), instances: samples.length } };
  },
};

export function newInstance(prepared: PreparedModule) {
  return createInstance({
    prepared,
    functions: resolveImports(prepared, {}),
    config: {},
    log: () => {},
    logLevel: "trace",
    memoryPages: moduleLimits.memoryPages,
    lane: threadScheduler.lane(null, operatorShare),
  });
}

/** Bindings of one TypeScript plugin, each of which has answered a call and waits for the next. */
const rssPerIdlePlugin: FigureDefinition = {
  name: "rss_per_idle_plugin_kb",
  aim: { most: 512 },
  async measure() {
    const prepared = await prepareModule(await compileChatHook());
    const input = chatInput(2_048);
    const open = async () => {
      const pool = await openPool(prepared);
      await mustSucceed(pool, input);
      return pool;
    };
    const pools = [await open()];
    const before = await residentKb();
    const count = 200;
    while (pools.length <= count) pools.push(await open());
    const used = (await residentKb()) - before;
    await Promise.all(pools.map((pool) => pool.close(0)));
    return { value: used / count, details: { plugins: count } };
  },
};

async function residentKb(): Promise<number> {
  // What calls left behind is restored in the next turns.
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
  collectGarbage();
  return process.memoryUsage().rss / 1_024;
}

export function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}

/** From the bytes of a TypeScript plugin to machine code. */
const prepareTime: FigureDefinition = {
  name: "prepare_ms_per_mb",
  async measure() {
    const bytes = await compileChatHook();
    const samples: number[] = [];
    for (let count = 0; count < 15; count++) {
      const from = performance.now();
      await prepareModule(bytes);
      samples.push(((performance.now() - from) / bytes.length) * 2 ** 20);
    }
    return { value: median(samples), details: { moduleKb: bytes.length / 1_024, rounds: samples.length } };
  },
};

export const instanceFigures: readonly FigureDefinition[] = [
  pristineStateCost,
  freshInstance,
  rssPerIdlePlugin,
  prepareTime,
];
