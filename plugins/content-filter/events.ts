import type { Effect, HookInput, Json } from "@sandgate/plugin-sdk";
import type { Matcher } from "./rules.ts";
import { type Match, masked, scan } from "./scan.ts";

type StreamEvent = NonNullable<HookInput["event"]>;
type EventEffect = Extract<Effect, { type: "event" }>;

/** What becomes of the event, and what was found for sure. */
type Decision = { readonly effect: EventEffect; readonly found: readonly Match[] };

/** What is held at most; the host has a limit in bytes, at which the answer would fail. */
const mostChars = 2_000;
const mostEvents = 120;

const nothing: readonly Match[] = [];
const pass: EventEffect = { type: "event", action: "pass" };

/**
 * An event waits while its end may be the beginning of something: the next event shows what it is. What has been masked goes out as one
 * event, in place of those that it is the text of.
 */
export function decide(event: StreamEvent, matchers: readonly Matcher[]): Decision {
  const before = event.held.map(({ text }) => text).join("");
  const text = before + event.text;
  if (text === "") return { effect: pass, found: nothing };
  const isEnd = event.last === true || isEndOfText(event.data ?? null);
  if (event.timeout === true && !isEnd) return { effect: { ...pass, held: "keep" }, found: nothing };

  const matches = scan(text, matchers);
  const cut = isEnd ? text.length : decidedUpTo(text, { matches, matchers });
  const found = matches.filter(({ end }) => end <= cut);
  if (cut === text.length) return { effect: withText(text, matches), found };
  const goesOn = found.filter(({ matcher }) => matcher.action !== "mask");
  if (isReleasable(text, { at: before.length, cut, matches })) {
    return { effect: { type: "event", action: "hold", held: "pass" }, found: goesOn };
  }
  if (text.length < mostChars && event.held.length < mostEvents) {
    return { effect: { type: "event", action: "hold", held: "keep" }, found: goesOn };
  }
  return { effect: withoutOpenEnd(text, { matches, matchers }), found: matches };
}

function withText(text: string, matches: readonly Match[]): EventEffect {
  const value = masked(text, matches);
  return value === null ? pass : { type: "event", action: "replace", text: value, held: "drop" };
}

type Scanned = { readonly matches: readonly Match[]; readonly matchers: readonly Matcher[] };

/** Up to where nothing that comes can change what was found. A match at the very end may go on. */
function decidedUpTo(text: string, { matches, matchers }: Scanned): number {
  const open = matchers.map(({ openAt }) => openAt(text));
  const touching = matches.filter(({ end }) => end === text.length).map(({ start }) => start);
  const cut = Math.min(text.length, ...open, ...touching);
  // Of a match that reaches over the place, all waits.
  return Math.min(
    cut,
    ...matches.filter(({ start, end }) => start < cut && end > cut).map(({ start }) => start),
  );
}

type Release = { readonly at: number; readonly cut: number; readonly matches: readonly Match[] };

/** Whether the events before `at` may go as they are, and what follows can be looked at without them. */
function isReleasable(text: string, { at, cut, matches }: Release): boolean {
  const isBetweenWords = !(inWord.test(text[at - 1] ?? "") && inWord.test(text[at] ?? ""));
  return (
    at > 0 &&
    at <= cut &&
    isBetweenWords &&
    !matches.some(({ matcher, start }) => matcher.action === "mask" && start < at)
  );
}

const inWord = /[\p{L}\p{N}_.%+@:-]/u;

/** Of a text that is too long to wait for more: an end that may be half a number or an address is not let through. */
function withoutOpenEnd(text: string, { matches, matchers }: Scanned): EventEffect {
  const limited = matchers.filter(({ hasLimit, action }) => hasLimit && action !== "tag");
  const at = decidedUpTo(text, { matches, matchers: limited });
  if (!/[\d@]/.test(text.slice(at))) return withText(text, matches);
  const decided = matches.filter(({ end }) => end <= at);
  const kept = text.slice(0, at);
  return { type: "event", action: "replace", text: `${masked(kept, decided) ?? kept}[…]`, held: "drop" };
}

/** The events after which no text follows that belongs to the one before, in the APIs of OpenAI, Anthropic and Google. */
function isEndOfText(data: Json): boolean {
  const { type, choices, candidates, usage } = membersOf(data);
  if (typeof type === "string")
    return /^(content_block_stop|message_delta|message_stop|error)$|\.(done|completed|incomplete|failed)$/.test(
      type,
    );
  const isUsage = Array.isArray(choices) && choices.length === 0 && usage !== undefined;
  return isUsage || hasReason(choices, "finish_reason") || hasReason(candidates, "finishReason");
}

function hasReason(list: Json | undefined, member: string): boolean {
  return Array.isArray(list) && list.some((item: Json) => typeof membersOf(item)[member] === "string");
}

function membersOf(value: Json): { readonly [name: string]: Json | undefined } {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as { readonly [name: string]: Json })
    : {};
}
