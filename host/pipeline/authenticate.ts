import type { Step } from "#host/resolve/step.ts";
import { GatewayError } from "../errors.ts";
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
    if (await runStage([[step]], context)) return true;
    if (exchange.consumer === null) continue;
    if (isConsumer(exchange.consumer)) return false;
    const cause = new StepFailure(
      "error",
      `identified "${exchange.consumer}", who is no consumer of the config`,
    );
    exchange.consumer = null;
    throw stepError(step, cause);
  }
  throw new GatewayError("unauthenticated", "No valid credential: send your API key as a Bearer token.");
}
