import type { Step } from "#host/resolve/step.ts";
import type { StreamPiece } from "../stream-event.ts";
import type { EventStepContext } from "./event-calls.ts";
import { throughStep } from "./event-step.ts";

/** The pieces of a stream as the steps leave them, each of which sees what the one before has left. */
export function throughSteps(
  pieces: AsyncIterable<StreamPiece>,
  steps: readonly Step[],
  context: EventStepContext,
): AsyncIterable<StreamPiece> {
  return steps.reduce((left, step) => throughStep(left, step, context), pieces);
}
