import type { Matcher } from "./rules.ts";
import type { Match } from "./scan.ts";

/** A text of which more may come, and what was found in it so far. */
export type Open = {
  readonly text: string;
  readonly matches: readonly Match[];
  readonly matchers: readonly Matcher[];
};

/** How many characters wait at most, and where none of a long word is a border: room to find one. */
export function windowOf(matchers: readonly Matcher[]): number {
  return Math.max(256, 2 * longestOf(matchers));
}

function longestOf(matchers: readonly Matcher[]): number {
  return Math.max(1, ...matchers.map(({ longest }) => longest));
}

/** Up to where nothing that comes can change what was found; what follows can be looked at without it. */
export function decidedUpTo(open: Open): number {
  const { text, matches, matchers } = open;
  const begun = matchers.map(({ openAt }) => openAt(text));
  // A match at the very end may go on.
  const touching = matches.filter(({ end }) => end === text.length).map(({ start }) => start);
  const place = borderBefore(Math.min(text.length, ...begun, ...touching), open);
  return text.length - place <= windowOf(matchers) ? place : forced(open);
}

/** The last place up to this one that is between words, and not inside of a match. */
function borderBefore(from: number, { text, matches }: Open): number {
  let at = from;
  while (at > 0) {
    const over = matches.find(({ start, end }) => start < at && end > at);
    if (over !== undefined) at = over.start;
    else if (isBetweenWords(text, at)) return at;
    else at -= 1;
  }
  return 0;
}

/** What stands before a match and would make it none: the start of a text is as good as anything else. */
const inWord = /[\p{L}\p{N}_.%+:-]/u;

export function isBetweenWords(text: string, at: number): boolean {
  return (!inWord.test(text[at - 1] ?? "") && !isInPair(text, at)) || /^\s/.test(text.slice(at, at + 1));
}

/** Half of a character is none. */
function isInPair(text: string, at: number): boolean {
  return (text.codePointAt(at - 1) ?? 0) > 0xffff;
}

/**
 * Where more would wait than the window: what began before the longest match from the end has ended by now, or is longer than
 * anything that is found for sure. A match that long is one up to here.
 */
function forced(open: Open): number {
  const { text, matches, matchers } = open;
  const window = windowOf(matchers);
  const latest = text.length - longestOf(matchers);
  const place = borderBefore(latest, open);
  if (text.length - place <= window) return place;
  let at = latest;
  for (const { start, end } of matches) if (start < at && end > at) at = end;
  return at > latest || !isInPair(text, at) ? at : at - 1;
}
