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
  /** Whether such a beginning is at most some hundred characters long. */
  readonly hasLimit: boolean;
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

/** Whole words, in upper and lower case. */
function wordsMatcher(words: readonly string[]): Finder {
  const longestFirst = words.toSorted((left, right) => right.length - left.length);
  const any = longestFirst.map((word) =>
    word.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&").replace(/\s+/g, "\\s+"),
  );
  return {
    pattern: new RegExp(`(?<![\\p{L}\\p{N}_])(?:${any.join("|")})(?![\\p{L}\\p{N}_])`, "giu"),
    openAt: openWords(words.map(plain)),
    hasLimit: true,
  };
}

function plain(text: string): string {
  return text.toLowerCase().replace(/\s+/g, " ");
}

/** Where the last word begins, or a phrase of which the text ends with the first words. */
function openWords(words: readonly string[]): Finder["openAt"] {
  const beginnings = new Set(
    words.flatMap((word) => Array.from(word, (_, index) => word.slice(0, index + 1))),
  );
  const longest = Math.max(...words.map((word) => word.length));
  return (text) => {
    const tail = text.slice(-2 * longest);
    const end = plain(tail);
    const lastWord = text.length - (/[\p{L}\p{N}_]{1,64}$/u.exec(text)?.[0].length ?? 0);
    for (let length = Math.min(longest, end.length); length > 0; length -= 1) {
      if (!beginnings.has(end.slice(-length))) continue;
      // Blanks of the text may be more than those of the phrase.
      const blanks = tail.length - end.length;
      return Math.max(0, Math.min(lastWord, text.length - length - blanks));
    }
    return lastWord;
  };
}

function regexMatcher(source: string, index: number): Finder {
  const pattern = compile(source, index);
  if (pattern.test("")) throw new Error(`rules.${index}.regex: it finds the empty text, so it is everywhere`);
  // Nobody knows what could begin a match, but few go over the end of a line.
  return { pattern, openAt: (text) => text.lastIndexOf("\n") + 1, hasLimit: false };
}

function recogniserOf(kind: RecogniserName): Finder {
  const { open, ...recogniser }: Recogniser = recognisers[kind];
  const openAt = (text: string) => open.exec(text)?.index ?? text.length;
  return { ...recogniser, openAt, hasLimit: true };
}

function compile(source: string, index: number): RegExp {
  try {
    return new RegExp(source, "giu");
  } catch (thrown) {
    throw new Error(`rules.${index}.regex: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
}
