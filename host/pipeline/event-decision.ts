import type { Effect } from "#sdk/abi/effects.ts";
import { streamLimits } from "../limits.ts";
import { type EventWriter, type StreamEvent, textOf } from "../stream-event.ts";
import type { AnswerError } from "../surface.ts";
import { type Decision, releaseFirst } from "./event-release.ts";
import { StepFailure } from "./step-failure.ts";

/** What a step decides about. */
export type Situation = {
  /** Null when it is asked about what is held alone. */
  readonly event: StreamEvent | null;
  /** All that the step holds, the oldest first. */
  readonly held: readonly StreamEvent[];
  /** Nothing comes after this. */
  readonly isEnd: boolean;
};

/** What comes of it. */
export type Settled = {
  /** To the client, in this order. */
  readonly out: readonly StreamEvent[];
  readonly held: readonly StreamEvent[];
  /** The end of the stream, after `out`. */
  readonly stop: AnswerError | null;
};

/** Whether a decision is about this held event: where it is of the same text as the event that has come, and at the end. */
export function concerns({ event, isEnd }: Situation, { lane }: StreamEvent): boolean {
  if (isEnd || event === null || event.lane === null || lane === null) return true;
  return lane === event.lane || lane.startsWith(`${event.lane}/`);
}

/**
 * The one decision among the effects; without one the event passes, and what is held before it.
 * @throws StepFailure for more than one
 */
export function decisionOf(effects: readonly Effect[]): Decision {
  const decisions = effects.filter((effect) => effect.type === "event");
  if (decisions.length > 1)
    throw new StepFailure("error", "output/effects: more than one decision about an event");
  return decisions[0] ?? { type: "event", action: "pass" };
}

/** @throws StepFailure for what cannot be done */
export function settle(situation: Situation, decision: Decision, writer: EventWriter): Settled {
  const { release, ...others } = decision;
  if (release === undefined) return settleWhole(situation, decision, writer);
  const mine = situation.held.filter((one) => concerns(situation, one));
  const { action } = decision;
  const released = releaseFirst(release, { event: situation.event, mine, action, writer });
  const stays = new Map(released.mine.map((one) => [one.index, one]));
  const held = situation.held.flatMap((one) =>
    concerns(situation, one) ? (stays.get(one.index) ?? []) : [one],
  );
  const fate = decision.held ?? (action === "stop" ? "drop" : "keep");
  const { event } = released;
  const settled = settleWhole({ ...situation, event, held }, { ...others, held: fate }, writer);
  return { ...settled, out: [...released.out, ...settled.out], held: withinLimits(settled.held) };
}

/** Of a decision about all that is held, or what is left of it. */
function settleWhole(situation: Situation, decision: Decision, writer: EventWriter): Settled {
  const { event, held, isEnd } = situation;
  const { action, held: fate = action === "stop" ? "drop" : "pass" } = decision;
  const mine = held.filter((one) => concerns(situation, one));
  if (action === "stop") {
    const { message = "The answer was stopped.", code = "blocked" } = decision.error ?? {};
    return { out: fate === "pass" ? mine : [], held: [], stop: { status: 403, code, message } };
  }
  if (fate === "keep" && isEnd && mine.length > 0)
    throw refused("nothing comes after it, so nothing can stay held");
  const instead = action === "replace" ? textOfHeld(event, { decision, fate, mine, writer }) : null;
  if (fate === "drop") requireDroppable(mine.filter(({ index }) => index !== instead?.index));
  const passing = fate === "pass" ? mine : instead === null ? [] : [instead];
  const left = fate === "keep" ? held : held.filter((one) => !concerns(situation, one));
  if (event === null || (action === "replace" && instead !== null)) {
    return { out: event === null ? passing : [...passing, event], held: left, stop: null };
  }
  switch (action) {
    case "pass":
      return { out: [...passing, event], held: left, stop: null };
    case "replace":
      return { out: [...passing, replaced(event, decision, writer)], held: left, stop: null };
    case "drop":
      requireDroppable([event]);
      return { out: passing, held: left, stop: null };
    case "hold":
      if (isEnd) throw refused("nothing comes after it, so it cannot be held");
      return { out: passing, held: withinLimits([...left, event]), stop: null };
    default:
      return action satisfies never;
  }
}

type Held = {
  readonly decision: Decision;
  readonly fate: NonNullable<Decision["held"]>;
  readonly mine: readonly StreamEvent[];
  readonly writer: EventWriter;
};

/**
 * Of an event without text (the end of an answer, a wait that was too long) the text of `replace` takes the place of the held one:
 * it goes out in the shape of the last held event that has a text. Null for an event that has one itself.
 */
function textOfHeld(event: StreamEvent | null, { decision, fate, mine, writer }: Held): StreamEvent | null {
  const { text } = decision;
  if (event !== null && (text === undefined || event.slots.length > 0)) return null;
  if (text === undefined) throw refused("there is no event whose data could be replaced");
  const last = mine.findLast(({ slots }) => slots.length > 0);
  if (fate !== "drop" || last === undefined) {
    throw refused('it has no text to replace; with held: "drop" the text takes the place of a held one');
  }
  if (mine.some((one) => one.slots.length > 0 && one.lane !== last.lane)) {
    throw refused("what is held belongs to several texts");
  }
  return withText(last, text, writer);
}

function replaced(event: StreamEvent, { text, data }: Decision, writer: EventWriter): StreamEvent {
  if (text !== undefined && data !== undefined) throw refused("replace takes text or data");
  if (text !== undefined) return withText(event, text, writer);
  if (data === undefined) throw refused("replace takes text or data");
  const written = writer.withData(event, data);
  if (written.last !== event.last) {
    throw refused(
      event.last
        ? "it is the last event, and would be none"
        : "only the upstream's last event ends the stream",
    );
  }
  return written;
}

function withText(event: StreamEvent, text: string, writer: EventWriter): StreamEvent {
  const written = text === textOf(event) ? event : writer.withText(event, text);
  if (written === null) throw refused("it has several texts; replace its data");
  return written;
}

function requireDroppable(events: readonly StreamEvent[]): void {
  if (events.some(({ needed }) => needed)) {
    throw refused(
      "clients need it to understand the stream, so it cannot be dropped; replace its text with an empty one",
    );
  }
}

function withinLimits(held: readonly StreamEvent[]): readonly StreamEvent[] {
  const bytes = held.reduce((sum, one) => sum + one.bytes.length, 0);
  if (held.length > streamLimits.heldEvents || bytes > streamLimits.heldBytes) {
    throw new StepFailure(
      "memory",
      `it holds more than ${streamLimits.heldEvents} events or ${streamLimits.heldBytes} bytes of a stream`,
    );
  }
  return held;
}

function refused(reason: string): StepFailure {
  return new StepFailure("error", `output/effects (event): ${reason}`);
}
