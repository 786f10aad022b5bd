import { performance } from "node:perf_hooks";
import type { Step } from "#host/resolve/step.ts";
import { streamLimits } from "../limits.ts";
import type { Filler, StreamEvent, StreamPiece } from "../stream-event.ts";
import type { AnswerError } from "../surface.ts";
import { type EventStepContext, startEventCalls } from "./event-calls.ts";

/** A step has stopped a stream. The client gets this as the event that ends it. */
export class StreamStopped extends Error {
  readonly answer: AnswerError;

  constructor(answer: AnswerError) {
    super(answer.message);
    this.name = "StreamStopped";
    this.answer = answer;
  }
}

/**
 * The pieces of a stream as a step leaves them. It pulls one when it is asked for one, and holds back no more than the step has
 * decided to.
 * @throws {GatewayError} of a step that fails and must not, and what reading throws. What is held is gone then, unless the step
 * may fail.
 * @throws {StreamStopped}
 */
export async function* throughStep(
  pieces: AsyncIterable<StreamPiece>,
  step: Step,
  context: EventStepContext,
): AsyncGenerator<StreamPiece> {
  const source = waitingSource(pieces);
  const run = startRun(step, context);
  try {
    for (;;) {
      const from = performance.now();
      const next = await source.next(run.waitMs());
      run.waited(performance.now() - from);
      if (next === "timeout") yield* run.decide(null, false);
      else if (next.done === true) return yield* run.decide(null, true);
      else if (next.value.kind === "event") yield* run.decide(next.value, next.value.last);
      else yield* run.passFiller(next.value);
    }
  } catch (thrown) {
    // The upstream broke off, or another step has ended the stream.
    if (step.onFailure === "open") yield* run.release();
    throw thrown;
  } finally {
    source.leave();
    run.report();
  }
}

type WaitingSource = {
  /** The next piece, or `timeout` after so long; it is what the next call waits for then. */
  next(timeoutMs: number | null): Promise<IteratorResult<StreamPiece> | "timeout">;
  leave(): void;
};

function waitingSource(pieces: AsyncIterable<StreamPiece>): WaitingSource {
  const source = pieces[Symbol.asyncIterator]();
  let pending: Promise<IteratorResult<StreamPiece>> | null = null;
  return {
    async next(timeoutMs) {
      pending ??= source.next();
      const late = Promise.withResolvers<"timeout">();
      const timer = timeoutMs === null ? undefined : setTimeout(late.resolve, timeoutMs, "timeout");
      try {
        const piece = await (timer === undefined ? pending : Promise.race([pending, late.promise]));
        if (piece !== "timeout") pending = null;
        return piece;
      } finally {
        clearTimeout(timer);
      }
    },
    leave() {
      // Not waited for: an upstream that is silent would keep the end of the stream from the client.
      pending?.catch(() => {});
      source.return?.()?.catch(() => {});
    },
  };
}

type StepRun = {
  /** How long to wait for the next piece; null: for ever, because nothing is held. */
  waitMs(): number | null;
  /** So much of it is over. The time that a slow client takes is no waiting. */
  waited(ms: number): void;
  /** What goes on once the step has decided about an event and what it holds, or about what it holds alone (null). */
  decide(event: StreamEvent | null, isEnd: boolean): AsyncGenerator<StreamPiece, void>;
  passFiller(filler: Filler): Generator<StreamPiece, void>;
  /** What is held goes on as it is. */
  release(): Generator<StreamPiece, void>;
  report(): void;
};

function startRun(step: Step, context: EventStepContext): StepRun {
  const calls = startEventCalls(step, context);
  const repeats = context.writer.repeats();
  const isObserving = step.effect === "observe";
  /** Of a step that only observes: what it would hold. */
  let held: readonly StreamEvent[] = [];
  let waitedMs = 0;
  /** Whether the piece before has gone on as it came. */
  let hasPassed = false;

  function keep(next: readonly StreamEvent[]): void {
    const isSame = next.length === held.length && next.at(-1) === held.at(-1);
    if (!isSame) waitedMs = 0;
    held = next;
  }

  function* leave(events: readonly StreamEvent[], latest: StreamEvent | null): Generator<StreamPiece, void> {
    for (const event of events) {
      const left = repeats.leaving(event);
      if (event === latest) hasPassed = left === event;
      yield left;
    }
  }

  return {
    waitMs: () => (held.length === 0 ? null : Math.max(1, streamLimits.holdMs - waitedMs)),
    waited(ms) {
      waitedMs += ms;
    },
    async *decide(event, isEnd) {
      const mine = event === null ? [] : [event];
      if (event !== null) {
        hasPassed = false;
        repeats.arrived(event);
      } else {
        if (held.length === 0) return;
        waitedMs = 0;
      }
      if (!calls.isOn) return yield* leave(mine, event);
      if (isObserving) yield* leave(mine, event);
      const settled = await calls.ask({ event, held, isEnd });
      const out = settled?.out ?? [...held, ...mine];
      keep(settled?.held ?? []);
      if (isObserving) return;
      yield* leave(out, event);
      if (settled !== null && settled.stop !== null) throw new StreamStopped(settled.stop);
    },
    *passFiller(filler) {
      const newest = held.at(-1);
      if (!filler.isTail) hasPassed = true;
      if (hasPassed) yield filler;
      else if (newest?.bytes.at(-1) === cr) {
        held = held.with(-1, { ...newest, bytes: Buffer.concat([newest.bytes, filler.bytes]) });
      }
    },
    *release() {
      const left = isObserving ? [] : held;
      held = [];
      yield* leave(left, null);
    },
    report: calls.report,
  };
}

const cr = 0x0d;
