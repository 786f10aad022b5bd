import { performance } from "node:perf_hooks";
import type { Batch, Step } from "#host/resolve/step.ts";
import type { Outcome } from "#host/sandbox/outcome.ts";
import type { Pool } from "#host/sandbox/pool.ts";
import { GatewayError } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import { applyEffects } from "./effects.ts";
import { parseOutput } from "./parse-output.ts";
import { readInput } from "./read-input.ts";
import { requireOk, StepFailure } from "./step-failure.ts";

/** How one step went, for log and metrics. */
export type StepReport = {
  readonly step: Step;
  readonly outcome: Outcome;
  /** What went wrong, for the operator; null when all is well. */
  readonly error: string | null;
  /** True when the request went on without it (`onFailure: open`). */
  readonly skipped: boolean;
  readonly durationUs: number;
  readonly fuelUsed: number;
  readonly requestId: string;
};

export type StageContext = {
  readonly exchange: Exchange;
  /** By `Step.key`. */
  readonly pools: ReadonlyMap<string, Pool>;
  /** Ends the calls; absent for steps that run whatever happens to the client. */
  readonly signal?: AbortSignal;
  readonly report: (report: StepReport) => void;
};

/**
 * Runs the batches of a stage in order. The steps of a batch see the same input and run at the same time; their
 * effects are applied in plan order. A step that answers ends the stage: those after it are cancelled.
 * @returns true when a step has answered.
 * @throws {GatewayError} `plugin_failed` or `plugin_overloaded` when a step fails that must not, `client_closed`.
 */
export async function runStage(batches: readonly Batch[], context: StageContext): Promise<boolean> {
  for (const batch of batches) {
    if (await runBatch(batch, context)) return true;
  }
  return false;
}

async function runBatch(batch: Batch, context: StageContext): Promise<boolean> {
  const [only] = batch;
  if (only !== undefined && batch.length === 1) return finish(begin(only, context), context);

  const cancel = new AbortController();
  const signal =
    context.signal === undefined ? cancel.signal : AbortSignal.any([context.signal, cancel.signal]);
  const running = batch.map((step) => begin(step, { ...context, signal }));
  try {
    for (const one of running) {
      if (await finish(one, context)) return true;
    }
    return false;
  } finally {
    cancel.abort();
  }
}

type Running = { readonly step: Step; readonly call: ReturnType<Pool["call"]> };

function begin(step: Step, { exchange, pools, signal }: StageContext): Running {
  const pool = pools.get(step.key);
  if (pool === undefined) throw new Error(`no pool for ${step.key}`);
  return { step, call: pool.call(step.hook, readInput(step, exchange), { signal, requestId: exchange.id }) };
}

async function finish({ step, call }: Running, context: StageContext): Promise<boolean> {
  const { exchange, signal, report } = context;
  const waitedFrom = performance.now();
  const result = await call;
  exchange.pluginMs += performance.now() - waitedFrom;
  const { durationUs, fuelUsed } = result;
  const measured = { step, durationUs, fuelUsed, requestId: exchange.id };
  try {
    requireOk(result);
    const answered = applyEffects(parseOutput(step, result.output), exchange);
    report({ ...measured, outcome: "ok", error: null, skipped: false });
    return answered;
  } catch (thrown) {
    if (!(thrown instanceof StepFailure)) throw thrown;
    if (signal?.aborted) throw new GatewayError("client_closed", "The client closed the request.");
    const skipped = step.onFailure === "open";
    report({ ...measured, outcome: thrown.outcome, error: thrown.message, skipped });
    if (skipped) return false;
    throw stepError(step, thrown);
  }
}

/** What a step's failure is for the client. The message is the client's: the plugin's own words are for the log. */
export function stepError({ binding }: Step, failure: StepFailure): GatewayError {
  const details = { plugin: binding.plugin, cause: failure };
  return failure.outcome === "rejected"
    ? new GatewayError("plugin_overloaded", `The plugin ${binding.id} is overloaded.`, details)
    : new GatewayError("plugin_failed", `The plugin ${binding.id} failed.`, details);
}
