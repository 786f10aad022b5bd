import type { Matcher } from "./rules.ts";

export type Match = { readonly matcher: Matcher; readonly start: number; readonly end: number };

/** All that the matchers find, by their place; of those that overlap the first, and of these the longest. */
export function scan(text: string, matchers: readonly Matcher[]): Match[] {
  const found = matchers.flatMap((matcher) => matchesOf(text, matcher));
  found.sort((left, right) => left.start - right.start || right.end - left.end);
  return found;
}

function matchesOf(text: string, matcher: Matcher): Match[] {
  const { needs, pattern, check } = matcher;
  if (needs !== undefined && !text.includes(needs)) return [];
  const matches: Match[] = [];
  pattern.lastIndex = 0;
  for (let found = pattern.exec(text); found !== null; found = pattern.exec(text)) {
    const length = check === undefined ? found[0].length : check(found[0]);
    if (length > 0) matches.push({ matcher, start: found.index, end: found.index + length });
    // What follows what was no match, or was less than the pattern took, may be one.
    pattern.lastIndex = found.index + Math.max(1, length);
  }
  return matches;
}

/** The text with the name of what was found in place of what is to be masked; null when nothing is. */
export function masked(text: string, matches: readonly Match[]): string | null {
  let out = "";
  let at = 0;
  for (const { matcher, start, end } of matches) {
    if (matcher.action !== "mask" || end <= at) continue;
    // Of one that overlaps the one before, only what is left.
    out += start >= at ? `${text.slice(at, start)}[${matcher.label}]` : "";
    at = end;
  }
  return at === 0 ? null : out + text.slice(at);
}

/** The same in two pieces: up to a place, with what goes over it, and what follows. */
export function maskedInTwo(
  { text, matches }: { readonly text: string; readonly matches: readonly Match[] },
  place: number,
): readonly [string, string] {
  let at = place;
  // In the order of their starts, so that those which overlap follow one another.
  for (const { matcher, start, end } of matches) {
    if (matcher.action === "mask" && start < at && end > at) at = end;
  }
  const first = text.slice(0, at);
  const rest = text.slice(at);
  const later = matches.filter(({ start }) => start >= at);
  return [
    masked(
      first,
      matches.filter(({ end }) => end <= at),
    ) ?? first,
    masked(
      rest,
      later.map((match) => ({ ...match, start: match.start - at, end: match.end - at })),
    ) ?? rest,
  ];
}
