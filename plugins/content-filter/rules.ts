import { type Recogniser, type RecogniserName, recognisers } from "./recognisers.ts";

export type Action = "block" | "mask" | "tag";
export type Side = "request" | "response";

/** As the config has it. */
export type RuleConfig = {
  readonly name?: string;
  readonly words?: readonly string[];
  readonly regex?: string;
  readonly pii?: readonly RecogniserName[];
  readonly action: Action;
  readonly on: readonly Side[];
};

type Finder = Omit<Recogniser, "open"> & {
  /** Where in a text that goes on a match may have begun; its length where none has. */
  openAt(text: string): number;
};

/** One thing to look for. */
export type Matcher = Finder & {
  /** What is told of it, and stands in its place. */
  readonly label: string;
  readonly action: Action;
  readonly on: readonly Side[];
};

/** @throws for a regex that does not compile, or finds the empty text */
export function compileRules(rules: readonly RuleConfig[]): Matcher[] {
  return rules.flatMap(({ name, words, regex, pii, action, on }, index) => {
    const label = (kind: string) => ({ label: name ?? kind, action, on });
    const found: Matcher[] = [];
    if (words !== undefined) found.push({ ...wordsMatcher(words), ...label("words") });
    if (regex !== undefined) found.push({ ...regexMatcher(regex, index), ...label("regex") });
    for (const kind of pii ?? []) found.push({ ...recogniserOf(kind), ...label(kind) });
    return found;
  });
}

/** Between two words of a phrase, at most. */
const mostBlanks = 16;

/** Whole words, in upper and lower case. */
function wordsMatcher(given: readonly string[]): Finder {
  const words = given.map((word) => word.trim()).toSorted((left, right) => right.length - left.length);
  const any = words.map((word) =>
    word.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&").replace(/\s+/g, `\\s{1,${mostBlanks}}`),
  );
  const lengths = words.map(plain).map((word) => word.length + word.split(" ").length * mostBlanks);
  const longest = Math.max(...lengths);
  return {
    pattern: new RegExp(`(?<![\\p{L}\\p{N}_])(?:${any.join("|")})(?![\\p{L}\\p{N}_])`, "giu"),
    openAt: openWords(words.map(plain), longest),
    longest,
  };
}

function plain(text: string): string {
  return text.toLowerCase().replace(/\s+/g, " ");
}

/** Where the last word begins, or a phrase of which the text ends with the first words. */
function openWords(words: readonly string[], longest: number): Finder["openAt"] {
  const beginnings = new Set(
    words.flatMap((word) => Array.from(word, (_, index) => word.slice(0, index + 1))),
  );
  const most = Math.max(...words.map((word) => word.length));
  return (text) => {
    const tail = text.slice(-longest);
    const end = plain(tail);
    const lastWord = text.length - (/[\p{L}\p{N}_]{1,64}$/u.exec(text)?.[0].length ?? 0);
    for (let length = Math.min(most, end.length); length > 0; length -= 1) {
      if (!beginnings.has(end.slice(-length))) continue;
      // Blanks of the text may be more than those of the phrase.
      const blanks = tail.length - end.length;
      return Math.max(0, Math.min(lastWord, text.length - length - blanks));
    }
    return lastWord;
  };
}

/** Of a regex, for which nobody knows it: longer matches are found too where they do not have to wait. */
const regexChars = 500;

function regexMatcher(source: string, index: number): Finder {
  const pattern = compile(source, index);
  if (pattern.test("")) throw new Error(`rules.${index}.regex: it finds the empty text, so it is everywhere`);
  // Nobody knows what could begin a match, but few go over the end of a line.
  const openAt = (text: string) => Math.max(text.lastIndexOf("\n") + 1, text.length - regexChars);
  return { pattern, openAt, longest: regexChars };
}

function recogniserOf(kind: RecogniserName): Finder {
  const { open, ...recogniser }: Recogniser = recognisers[kind];
  return {
    ...recogniser,
    openAt(text) {
      const from = Math.max(0, text.length - recogniser.longest);
      return from + (open.exec(text.slice(from))?.index ?? text.length - from);
    },
  };
}

function compile(source: string, index: number): RegExp {
  try {
    return new RegExp(source, "giu");
  } catch (thrown) {
    throw new Error(`rules.${index}.regex: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
}
