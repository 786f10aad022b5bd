import type { CallResult, Outcome } from "#host/sandbox/outcome.ts";

/** Why a call of a step was not made; the same request may succeed later. */
export type Unavailable = "overloaded" | "quarantined";

/** Why a step failed: how its call ended, or what is wrong with what it asked for (`error`). */
export class StepFailure extends Error {
  readonly outcome: Exclude<Outcome, "ok">;
  readonly unavailable: Unavailable | null;

  constructor(outcome: Exclude<Outcome, "ok">, message: string, unavailable: Unavailable | null = null) {
    super(message);
    this.name = "StepFailure";
    this.outcome = outcome;
    this.unavailable = unavailable;
  }
}

/** An effect that cannot be applied to this exchange. */
export class Refused extends Error {}

/** @throws StepFailure unless the call ended well */
export function requireOk({
  outcome,
  error,
  overloaded,
}: Pick<CallResult, "outcome" | "error" | "overloaded">): void {
  if (outcome !== "ok") throw new StepFailure(outcome, error ?? outcome, overloaded ? "overloaded" : null);
}
