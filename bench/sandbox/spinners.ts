import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { moduleLimits } from "#host/limits.ts";
import type { Pool } from "#host/sandbox/pool.ts";
import { assembleWat } from "#test/sandbox/fixture.ts";
import type { FigureDefinition } from "../figure.ts";
import { quantile } from "../interleaved.ts";
import { chatHookName, chatInput, compileChatHook } from "./chat-call.ts";
import { openPool, prepareModule } from "./open-pool.ts";

const spinnerWat = `(module (func (export "spin") (result i32) (loop (br 0)) (i32.const 0)))`;
const measureMs = 3_000;

/** Endless loops of these tenants by turns, each a binding of its own, until `stop`. */
async function startSpinners(count: number, tenants: number): Promise<{ stop(): Promise<void> }> {
  const prepared = await prepareModule(assembleWat(spinnerWat));
  const limits = { fuel: Number.MAX_SAFE_INTEGER, deadlineMs: 60_000, memoryPages: moduleLimits.memoryPages };
  const pools: Pool[] = [];
  for (let index = 0; index < count; index++) {
    pools.push(await openPool(prepared, { limits, tenant: tenant(`spinner ${index % tenants}`) }));
  }
  for (const pool of pools) void pool.call("spin", "");
  return {
    async stop() {
      await Promise.all(pools.map((pool) => pool.close(0)));
    },
  };
}

/** Tenants whose quota is never what holds them back. */
function tenant(name: string) {
  return { name, weight: 1, cpuMsPerSecond: 1_000, calls: 1_000 };
}

/** How late timers of the process are while plugins do nothing but burn CPU. */
const loopDelay: FigureDefinition = {
  name: "loop_delay_p99_ms_under_20_spinners",
  aim: { most: 5 },
  async measure() {
    const spinners = await startSpinners(20, 20);
    const delay = monitorEventLoopDelay({ resolution: 1 });
    await sleep(500);
    delay.enable();
    await sleep(measureMs);
    delay.disable();
    await spinners.stop();
    const ms = (nanoseconds: number) => nanoseconds / 1e6;
    return { value: ms(delay.percentile(99)), details: { maxMs: ms(delay.max), meanMs: ms(delay.mean) } };
  },
};

/** Calls of an honest tenant, one every few milliseconds, alone and beside a tenant that spins a hundred times. */
const honestLatency: FigureDefinition = {
  name: "honest_p99_ratio_under_100_spinners",
  aim: { most: 3 },
  async measure() {
    const pool = await openPool(await prepareModule(await compileChatHook()), { tenant: tenant("honest") });
    const input = chatInput(2_048);
    await latencies(pool, { input, forMs: 1_500 });
    const alone = await latencies(pool, { input, forMs: measureMs });
    const spinners = await startSpinners(100, 1);
    await sleep(500);
    const beside = await latencies(pool, { input, forMs: measureMs });
    await spinners.stop();
    await pool.close(0);
    const details = {
      aloneP50Ms: quantile(alone.ms, 0.5),
      aloneP99Ms: quantile(alone.ms, 0.99),
      besideP50Ms: quantile(beside.ms, 0.5),
      besideP99Ms: quantile(beside.ms, 0.99),
      calls: beside.ms.length,
      failed: beside.failed,
    };
    return { value: details.besideP99Ms / details.aloneP99Ms, details };
  },
};

async function latencies(
  pool: Pool,
  { input, forMs }: { readonly input: string; readonly forMs: number },
): Promise<{ readonly ms: number[]; readonly failed: number }> {
  const ms: number[] = [];
  let failed = 0;
  for (const until = performance.now() + forMs; performance.now() < until; ) {
    const from = performance.now();
    const { outcome } = await pool.call(chatHookName, input);
    ms.push(performance.now() - from);
    if (outcome !== "ok") failed += 1;
    await sleep(3);
  }
  return { ms, failed };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export const spinnerFigures: readonly FigureDefinition[] = [loopDelay, honestLatency];
