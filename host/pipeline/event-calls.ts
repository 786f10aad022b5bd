import { performance } from "node:perf_hooks";
import { isOptional, type Step } from "#host/resolve/step.ts";
import type { EventInfo } from "#sdk/abi/input.ts";
import { GatewayError } from "../errors.ts";
import { streamLimits } from "../limits.ts";
import { type EventWriter, type StreamEvent, textOf } from "../stream-event.ts";
import { countKinds } from "./effect-names.ts";
import { applyEffects } from "./effects.ts";
import { concerns, decisionOf, type Settled, type Situation, settle } from "./event-decision.ts";
import { eventInputs } from "./read-input.ts";
import { callStep, partsOf, type StageContext, type StepReport, stepError } from "./run-stage.ts";
import { StepFailure } from "./step-failure.ts";

export type EventStepContext = StageContext & { readonly writer: EventWriter };

/** The calls of a step for the events of one stream. */
export type EventCalls = {
  /**
   * What the step makes of the situation; null when it has failed and may. That is reported then, and it is not asked again.
   * @throws {GatewayError} of a step that must not fail.
   */
  ask(situation: Situation): Promise<Settled | null>;
  /** False once the step has failed. */
  readonly isOn: boolean;
  /** Tells of the calls that went well, all in one: a report for each would cost more than the call. */
  report(): void;
};

export function startEventCalls(step: Step, context: EventStepContext): EventCalls {
  const { exchange, signal, writer } = context;
  const isObserving = step.effect === "observe";
  const observed: Record<string, number> = {};
  const sums = { calls: 0, durationUs: 0, fuelUsed: 0, memoryPages: 0 };
  /** What the call that ran last has used. */
  let latest = { durationUs: 0, fuelUsed: 0 };
  let inputOf: ((info: EventInfo) => string) | null = null;
  let isOn = true;
  /** Of events that have come, so that one that did not has a place too. */
  let upcoming = 0;

  async function call(situation: Situation): Promise<Settled> {
    const { event } = situation;
    if (event !== null) upcoming = event.index + 1;
    inputOf ??= eventInputs(step, exchange);
    const input = inputOf(infoOf(situation, upcoming));
    const from = performance.now();
    const { found, memoryPages, ...used } = await callStep(step, () => input, context);
    exchange.pluginMs += performance.now() - from;
    latest = used;
    if (found instanceof StepFailure) throw found;
    if (sums.durationUs + used.durationUs > streamLimits.stepMs * 1000) {
      throw new StepFailure(
        "deadline",
        `it took more than ${streamLimits.stepMs} ms for the events of one stream`,
      );
    }
    const settled = settle(situation, decisionOf(found), writer);
    if (isObserving) {
      for (const [kind, times] of Object.entries(countKinds(found))) {
        observed[kind] = (observed[kind] ?? 0) + times;
      }
    } else if (found.some(({ type }) => type === "tag")) {
      applyEffects(found, exchange, step.binding.tenant);
    }
    sums.calls += 1;
    sums.durationUs += used.durationUs;
    sums.fuelUsed += used.fuelUsed;
    sums.memoryPages = Math.max(sums.memoryPages, memoryPages);
    return settled;
  }

  type Told = Pick<
    StepReport,
    "outcome" | "error" | "skipped" | "observed" | "calls" | "durationUs" | "fuelUsed"
  >;
  function tell(told: Told): void {
    const parts = partsOf(exchange);
    const { memoryPages } = sums;
    const about = { step, requestId: exchange.id, memoryPages, input: "", effects: [] };
    context.report({ ...about, ...told, before: parts, after: parts });
  }

  return {
    get isOn() {
      return isOn;
    },
    async ask(situation) {
      try {
        return await call(situation);
      } catch (thrown) {
        if (!(thrown instanceof StepFailure)) throw thrown;
        if (signal?.aborted) throw new GatewayError("client_closed", "The client closed the request.");
        isOn = false;
        if (thrown.unavailable === "overloaded" && isOptional(step)) {
          context.skip({ step, reason: "shed", requestId: exchange.id });
          return null;
        }
        const skipped = isObserving || step.onFailure === "open";
        const { outcome, message } = thrown;
        const { durationUs, fuelUsed } = latest;
        tell({ outcome, error: message, skipped, observed: {}, calls: 1, durationUs, fuelUsed });
        if (!skipped) throw stepError(step, thrown);
        return null;
      }
    },
    report() {
      if (sums.calls > 0) tell({ ...sums, outcome: "ok", error: null, skipped: false, observed });
    },
  };
}

function infoOf(situation: Situation, upcoming: number): EventInfo {
  const { event, held, isEnd } = situation;
  const shown = held.filter((one) => concerns(situation, one)).map(sayingOf);
  const last = isEnd ? { last: true } : {};
  if (event === null) return { index: upcoming, text: "", held: shown, timeout: true, ...last };
  return { index: event.index, ...sayingOf(event), held: shown, ...last };
}

function sayingOf(event: StreamEvent): EventInfo["held"][number] {
  const { name, data } = event;
  return { ...(name === undefined ? {} : { name }), data, text: textOf(event) };
}
