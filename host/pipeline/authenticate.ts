import type { Step } from "#host/resolve/step.ts";
import { GatewayError } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import { printable } from "../json.ts";
import { runStage, type StageContext, stepError } from "./run-stage.ts";
import { StepFailure } from "./step-failure.ts";

/**
 * Runs the authenticators one after another until one identifies the consumer or answers.
 * @param isConsumer whether the config has a consumer of this name.
 * @returns true when one has answered.
 * @throws {GatewayError} `unauthenticated` when none identifies, and what `runStage` throws.
 */
export async function authenticate(
  authenticators: readonly Step[],
  context: StageContext,
  isConsumer: (name: string) => boolean,
): Promise<boolean> {
  const { exchange } = context;
  for (const step of authenticators) {
    const answered = await runStage([[step]], context);
    requireConsumer(step, exchange, isConsumer);
    if (answered || exchange.consumer !== null) return answered;
  }
  throw new GatewayError("unauthenticated", "No valid credential: send your API key as a Bearer token.");
}

function requireConsumer(step: Step, exchange: Exchange, isConsumer: (name: string) => boolean): void {
  const { consumer } = exchange;
  if (consumer === null || isConsumer(consumer)) return;
  exchange.consumer = null;
  const message = `identified "${printable(consumer)}", who is no consumer of the config`;
  throw stepError(step, new StepFailure("error", message));
}
