import type { Effect, HookInput } from "@sandgate/plugin-sdk";
import { holdEvent, passEvent, releaseHeld, replaceText } from "@sandgate/plugin-sdk/effects";
import { isEndOfText } from "./end-of-text.ts";
import type { Matcher } from "./rules.ts";
import { type Match, masked, maskedInTwo, scan } from "./scan.ts";
import { decidedUpTo, isBetweenWords, type Open, windowOf } from "./window.ts";

type StreamEvent = NonNullable<HookInput["event"]>;
type EventEffect = Extract<Effect, { type: "event" }>;

/** What becomes of the event, and what was found for sure. */
type Decision = { readonly effect: EventEffect; readonly found: readonly Match[] };

/** The host holds 64 KiB: of events that are all as long as this one, in characters of which few take more than one byte. */
const mostHeld = { events: 100, chars: 16_000 };
/** Of an event that is the first of its text, so that there is none before it that could take a part of it. */
const mostOfOne = 8_000;

const nothing: readonly Match[] = [];

/**
 * The end of a text waits while it may be the beginning of something, and no more than the window does. What was decided goes on in the
 * events that it came in where their borders allow it.
 */
export function decide(event: StreamEvent, matchers: readonly Matcher[]): Decision {
  const before = textOfHeld(event);
  const text = before + event.text;
  if (text === "") return { effect: passEvent(), found: nothing };
  const isEnd = event.last === true || isEndOfText(event.data ?? null);
  if (event.timeout === true && !isEnd) return { effect: passEvent("keep"), found: nothing };

  const open = { text, matches: scan(text, matchers), matchers };
  if (isEnd) return { effect: letAllGo(event, open), found: open.matches };
  const at = decidedUpTo(open);
  const found = open.matches.filter(({ end }) => end <= at);
  if (at === text.length) return { effect: letAllGo(event, open), found };
  if (event.held.length === 0 && text.length > mostOfOne) {
    return { effect: withoutOpenEnd(open, at), found: open.matches };
  }
  return { effect: letGoUpTo(at, event, { ...open, matches: found }), found };
}

function textOfHeld({ held }: StreamEvent): string {
  return held.map(({ text }) => text).join("");
}

function letAllGo(event: StreamEvent, { text, matches }: Open): EventEffect {
  const { length } = textOfHeld(event);
  const whole = masked(text, matches);
  if (whole === null) return passEvent();
  if (length === 0) return replaceText(whole);
  if (length === text.length) return releaseHeld(event.held.length, { text: whole, decision: passEvent() });
  const [first, rest] = maskedInTwo({ text, matches }, length);
  return releaseHeld(event.held.length, { text: first, rest, decision: passEvent() });
}

/** @param open with the matches that end before the place */
function letGoUpTo(at: number, event: StreamEvent, { text, matches, matchers }: Open): EventEffect {
  const { held } = event;
  let going = { count: 0, end: 0 };
  let end = 0;
  for (const [index, one] of held.entries()) {
    end += one.text.length;
    const isBorder = end <= at && isBetweenWords(text, end) && !matches.some((match) => isOver(match, end));
    if (isBorder) going = { count: index + 1, end };
  }
  const staying = held.length - going.count + 1;
  const chars = staying * JSON.stringify(event.data ?? null).length;
  const isFew = staying <= mostHeld.events && chars <= mostHeld.chars;
  if (isFew && text.length - going.end <= windowOf(matchers)) {
    if (going.count === 0) return holdEvent();
    const value = masked(
      text.slice(0, going.end),
      matches.filter((match) => match.end <= going.end),
    );
    return releaseHeld(going.count, value === null ? {} : { text: value });
  }
  if (held.length === 0 || end === 0) return holdEvent(held.length === 0 ? "keep" : "pass");
  if (event.text === "") return passEvent("keep");
  // This event takes over all that waits, so that nothing has to wait for a border.
  const decided = text.slice(0, at);
  return releaseHeld(held.length, { text: masked(decided, matches) ?? decided, rest: text.slice(at) });
}

function isOver({ start, end }: Match, at: number): boolean {
  return start < at && end > at;
}

/** An end that may be half a number or an address is not let through. */
function withoutOpenEnd({ text, matches }: Open, at: number): EventEffect {
  if (!/[\d@]/.test(text.slice(at))) return replaceText(masked(text, matches) ?? text);
  const decided = text.slice(0, at);
  const found = matches.filter(({ end }) => end <= at);
  return replaceText(`${masked(decided, found) ?? decided}[…]`);
}
