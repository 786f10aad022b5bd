import type { CallResult, Outcome } from "#host/sandbox/outcome.ts";

/** Why a step failed: how its call ended, or what is wrong with what it asked for (`error`). */
export class StepFailure extends Error {
  readonly outcome: Exclude<Outcome, "ok">;

  constructor(outcome: Exclude<Outcome, "ok">, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StepFailure";
    this.outcome = outcome;
  }
}

/** @throws StepFailure unless the call ended well */
export function requireOk({ outcome, error }: CallResult): void {
  if (outcome !== "ok") throw new StepFailure(outcome, error ?? outcome);
}
