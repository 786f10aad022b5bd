import type { Effect } from "#sdk/abi/effects.ts";
import { type EventWriter, inOneLane, type StreamEvent } from "../stream-event.ts";
import { StepFailure } from "./step-failure.ts";

export type Decision = Extract<Effect, { type: "event" }>;

/** What a decision may let go a part of. */
export type Releasing = {
  readonly event: StreamEvent | null;
  /** Those that the decision is about, the oldest first. */
  readonly mine: readonly StreamEvent[];
  /** What becomes of the event. */
  readonly action: Decision["action"];
  readonly writer: EventWriter;
};

export type Released = {
  /** To the client, in this order, before anything else that the decision lets go. */
  readonly out: readonly StreamEvent[];
  /** Those of `mine` that the rest of the decision is about. */
  readonly mine: readonly StreamEvent[];
  /** The event that has come, with what was moved to it. */
  readonly event: StreamEvent | null;
};

/** Takes the oldest of what is held from it. @throws StepFailure for what cannot be done */
export function releaseFirst(
  { count, text, rest }: NonNullable<Decision["release"]>,
  { event, mine, action, writer }: Releasing,
): Released {
  if (count > mine.length) throw refused(`count is ${count}, and ${mine.length} events are held`);
  const going = mine.slice(0, count);
  const staying = mine.slice(count);
  const out = text === undefined ? going : withOneText(going, text, writer);
  if (rest === undefined) return { out, mine: staying, event };

  const isTaker = (one: StreamEvent) => one.slots.length > 0;
  const taker = staying.find(isTaker);
  const onEvent = taker === undefined && event !== null && isTaker(event) ? event : undefined;
  const next = taker ?? onEvent;
  if (next === undefined) throw refused("nothing that comes after what it lets go has a text for rest");
  if (onEvent !== undefined && action !== "hold" && action !== "pass") {
    throw refused(`rest would be the text of the event itself, of which ${action} is asked`);
  }
  if (!inOneLane([...going, next].flatMap(({ slots }) => slots))) {
    throw refused("rest would be moved to another of the texts that run side by side");
  }
  const written = withText(next, rest, writer);
  return {
    out,
    mine: staying.map((one) => (one === next ? written : one)),
    event: onEvent === undefined ? event : written,
  };
}

/** The last event that has a text says all of it. The others say nothing, and stay for what else they have. */
function withOneText(
  events: readonly StreamEvent[],
  text: string,
  writer: EventWriter,
): readonly StreamEvent[] {
  const last = events.findLast(({ slots }) => slots.length > 0);
  if (last === undefined) throw refused("none of those that it lets go has a text to replace");
  if (!inOneLane(events.flatMap(({ slots }) => slots))) {
    throw refused("what it lets go belongs to several texts");
  }
  return events.map((one) =>
    one.slots.length === 0 ? one : withText(one, one === last ? text : "", writer),
  );
}

/** All of its texts are of one lane by now, so that it has a place for this one. */
function withText(event: StreamEvent, text: string, writer: EventWriter): StreamEvent {
  return (
    (event.slots.length === 1 && event.slots[0]?.text === text ? null : writer.withText(event, text)) ?? event
  );
}

function refused(reason: string): StepFailure {
  return new StepFailure("error", `output/effects (event): release: ${reason}`);
}
