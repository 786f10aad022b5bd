import type { Step } from "#host/resolve/step.ts";
import type { Exchange } from "../exchange.ts";
import { factsOf } from "./facts.ts";
import { type ShedContext, whyShed } from "./shed.ts";

/**
 * Why a step is not called. `when`: its condition does not hold; `budget`: the time of the request is spent; `shed`: the gateway
 * has too much to do.
 */
export type SkipReason = "when" | "budget" | "shed";

/** A step that is not called. */
export type StepSkip = { readonly step: Step; readonly reason: SkipReason; readonly requestId: string };

export type SkipContext = ShedContext & {
  readonly exchange: Exchange;
  /** Who is told of steps that are not called. */
  readonly skip: (skip: StepSkip) => void;
};

/** Those of these steps that are called for the exchange as it is now: all of them meet the same facts. */
export function dueSteps(steps: readonly Step[], context: SkipContext): readonly Step[] {
  const { exchange, skip } = context;
  const facts = steps.some(({ when }) => when !== null) ? factsOf(exchange) : null;
  return steps.filter((step) => {
    const holds = facts === null || step.when === null || step.when(facts);
    const reason = holds ? whyShed(step, context) : "when";
    if (reason !== null) skip({ step, reason, requestId: exchange.id });
    return reason === null;
  });
}
