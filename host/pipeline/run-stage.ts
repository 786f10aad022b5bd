import { performance } from "node:perf_hooks";
import { type Batch, isOptional, type Step } from "#host/resolve/step.ts";
import type { CallResult, Outcome } from "#host/sandbox/outcome.ts";
import type { Pool } from "#host/sandbox/pool.ts";
import type { Effect } from "#sdk/abi/effects.ts";
import { GatewayError } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import { dueSteps, type SkipContext } from "./due-steps.ts";
import { countKinds } from "./effect-names.ts";
import { applyEffects, tryEffects } from "./effects.ts";
import { type Asking, parseOutput } from "./parse-output.ts";
import type { Quarantine, Verdict } from "./quarantine.ts";
import { readInput } from "./read-input.ts";
import { callDeadlineMs } from "./shed.ts";
import { requireOk, StepFailure } from "./step-failure.ts";

/** How one call went, for log and metrics. */
export type CallReport = {
  readonly step: Pick<Step, "key" | "binding"> & { readonly hook: Asking["hook"] };
  readonly outcome: Outcome;
  /** What went wrong, for the operator; null when all is well. */
  readonly error: string | null;
  /** True when the request went on without it (`onFailure: open`, or it only observes). */
  readonly skipped: boolean;
  /** What a step that only observes asked for: how many effects of each kind. Empty for others, whose effects are applied. */
  readonly observed: Readonly<Record<string, number>>;
  readonly durationUs: number;
  readonly fuelUsed: number;
  readonly requestId: string;
  /** Calls that this sums up: 1, but for events of a stream. */
  readonly calls: number;
};

/** A call that was not made. */
export type SkipReport = Pick<CallReport, "step"> & { readonly reason: string; readonly requestId?: string };

/** How one step of a request went. */
export type StepReport = CallReport & { readonly step: Step };

/** What else there is to say of it, for whoever shows it to the plugin's author. */
export type StepCall = StepReport & {
  /** Pages (64 KiB) of the plugin's own memory when the call ended. */
  readonly memoryPages: number;
  /** What the hook got, JSON; empty when it was not called. */
  readonly input: string;
  /** What it asked for; empty when it failed. */
  readonly effects: readonly Effect[];
  /** What effects can change, as it was before they were applied, and as it is. The same where nothing was. */
  readonly before: ExchangeParts;
  readonly after: ExchangeParts;
};

/** Of an exchange what effects can change. Its parts are replaced, never changed, so these stay as they were. */
export type ExchangeParts = Pick<Exchange, "request" | "response" | "responseHeaders" | "consumer" | "tags">;

/** A binding in service. */
export type BoundPlugin = { readonly plugin: string; readonly pool: Pool; readonly quarantine: Quarantine };

export type StageContext = Omit<SkipContext, "bindings"> & {
  /** By `Step.key`. */
  readonly bindings: ReadonlyMap<string, BoundPlugin>;
  /** Ends the calls; absent for steps that run whatever happens to the client. */
  readonly signal?: AbortSignal;
  readonly report: (report: StepCall) => void;
};

/**
 * Runs the batches of a stage in order, of each the steps that are due. The steps of a batch see the same input and run at
 * the same time; their effects are applied in plan order. A step that answers, or gets another attempt, ends the stage: those after it are cancelled.
 * @returns true when a step has ended the stage.
 * @throws {GatewayError} `plugin_failed`, `plugin_overloaded` or `plugin_quarantined` when a step fails that must not,
 * `client_closed`.
 */
export async function runStage(batches: readonly Batch[], context: StageContext): Promise<boolean> {
  for (const batch of batches) {
    if (await runBatch(batch, context)) return true;
  }
  return false;
}

/** Runs every step, one after another, whatever becomes of the others: after the answer a failure is only reported. */
export async function runEvery(batches: readonly Batch[], context: StageContext): Promise<void> {
  for (const step of batches.flat()) {
    try {
      await runBatch([step], context);
    } catch (thrown) {
      if (!(thrown instanceof GatewayError)) throw thrown;
    }
  }
}

async function runBatch(batch: Batch, context: StageContext): Promise<boolean> {
  const due = dueSteps(batch, context);
  const [only] = due;
  if (only === undefined) return false;
  if (due.length === 1) return finish(begin(only, context), context);

  const cancel = new AbortController();
  const signal =
    context.signal === undefined ? cancel.signal : AbortSignal.any([context.signal, cancel.signal]);
  const running = due.map((step) => begin(step, { ...context, signal }));
  try {
    for (const one of running) {
      if (await finish(one, context)) return true;
    }
    return false;
  } finally {
    cancel.abort();
  }
}

type Running = { readonly step: Step; readonly end: Promise<End> };

/** How a call ended: what the step asks for, or why it failed. */
export type End = {
  readonly durationUs: number;
  readonly fuelUsed: number;
  readonly memoryPages: number;
  readonly input: string;
  readonly found: readonly Effect[] | StepFailure;
};

function begin(step: Step, context: StageContext): Running {
  const deadlineMs = callDeadlineMs(step, context);
  const end = callStep(step, () => readInput(step, context.exchange), { ...context, deadlineMs });
  // Nobody may be left to hear it: an earlier step of the batch has answered.
  end.catch(() => {});
  return { step, end };
}

type CallContext = Pick<StageContext, "bindings" | "signal"> & {
  readonly exchange: Pick<Exchange, "id">;
  /** Lowers the deadline of the binding. */
  readonly deadlineMs?: number | undefined;
};

/** One call of a step, unless its plugin is cut off: `makeInput` is not called then. */
export async function callStep(
  step: Asking & Pick<Step, "key">,
  makeInput: () => string,
  { exchange, bindings, signal, deadlineMs }: CallContext,
): Promise<End> {
  const bound = bindings.get(step.key);
  if (bound === undefined) throw new Error(`no plugin bound for ${step.key}`);
  const record = bound.quarantine.admit();
  if (record === null) return cutOff;
  const input = makeInput();
  const from = performance.now();
  const result = await bound.pool.call(step.hook, input, { signal, requestId: exchange.id, deadlineMs });
  const found = foundIn(step, result);
  // Others have spent the time of the request, which is no fault of this one.
  const isCut = result.outcome === "deadline" && performance.now() - from >= (deadlineMs ?? Infinity);
  record(signal?.aborted || isCut ? "neutral" : verdictOf(result, found));
  const { durationUs, fuelUsed, memoryPages } = result;
  return { durationUs, fuelUsed, memoryPages, input, found };
}

const cutOff: End = {
  durationUs: 0,
  fuelUsed: 0,
  memoryPages: 0,
  input: "",
  found: new StepFailure("rejected", "cut off after repeated failures", "quarantined"),
};

function foundIn(step: Asking, result: CallResult): readonly Effect[] | StepFailure {
  try {
    requireOk(result);
    return parseOutput(step, result.output);
  } catch (thrown) {
    if (thrown instanceof StepFailure) return thrown;
    throw thrown;
  }
}

/** A plugin that says no works; see docs/decisions/0007-quarantine.md. */
function verdictOf({ outcome }: CallResult, found: End["found"]): Verdict {
  if (!(found instanceof StepFailure)) return "good";
  return outcome === "error" || outcome === "rejected" ? "neutral" : "failed";
}

async function finish({ step, end }: Running, context: StageContext): Promise<boolean> {
  const { exchange, signal, report, skip } = context;
  const waitedFrom = performance.now();
  const { found, ...measured } = await end;
  exchange.pluginMs += performance.now() - waitedFrom;
  const before = partsOf(exchange);
  const isObserving = step.effect === "observe";
  const about = { ...measured, step, requestId: exchange.id, calls: 1, observed: {}, before };
  try {
    if (found instanceof StepFailure) throw found;
    const decided = isObserving
      ? tryEffects(found, exchange, step.binding.tenant)
      : applyEffects(found, exchange, step.binding.tenant);
    const observed = isObserving ? countKinds(found) : {};
    const after = partsOf(exchange);
    report({ ...about, outcome: "ok", error: null, skipped: false, effects: found, observed, after });
    return decided;
  } catch (thrown) {
    if (!(thrown instanceof StepFailure)) throw thrown;
    if (signal?.aborted) throw new GatewayError("client_closed", "The client closed the request.");
    if (thrown.unavailable === "overloaded" && isOptional(step)) {
      skip({ step, reason: "shed", requestId: exchange.id });
      return false;
    }
    const skipped = isObserving || step.onFailure === "open";
    report({ ...about, outcome: thrown.outcome, error: thrown.message, skipped, effects: [], after: before });
    if (skipped) return false;
    throw stepError(step, thrown);
  }
}

export function partsOf({ request, response, responseHeaders, consumer, tags }: Exchange): ExchangeParts {
  return { request, response, responseHeaders, consumer, tags };
}

/** What a step's failure is for the client. The message is the client's: the plugin's own words are for the log. */
export function stepError({ binding }: Step, failure: StepFailure): GatewayError {
  const details = { plugin: binding.plugin, cause: failure };
  switch (failure.unavailable) {
    case "overloaded":
      return new GatewayError("plugin_overloaded", `The plugin ${binding.id} is overloaded.`, details);
    case "quarantined":
      return new GatewayError("plugin_quarantined", `The plugin ${binding.id} is out of service.`, details);
    case null:
      return new GatewayError("plugin_failed", `The plugin ${binding.id} failed.`, details);
    default:
      return failure.unavailable satisfies never;
  }
}
