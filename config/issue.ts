import { z } from "zod";
import type { ConfigPath, ConfigProblem } from "./schema.ts";
import { suggest } from "./suggest.ts";

type Issue = z.core.$ZodIssue;

/**
 * For `safeParse`: an issue about unknown keys forgets which keys exist, so its message is made of them, one
 * per line, for `problemsOf`.
 */
export function keepKnownKeys(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code !== "unrecognized_keys" || !(issue.inst instanceof z.ZodObject)) return undefined;
  return Object.keys(issue.inst.shape).join("\n");
}

/**
 * What the schema found, in the words of the file. Values are never shown; a hint is derived from a value
 * only where `isPublic` says that the file itself holds it.
 * @param options.value what was parsed.
 */
export function problemsOf(
  issues: readonly Issue[],
  options: { value: unknown; isPublic: (path: ConfigPath) => boolean },
): ConfigProblem[] {
  return issues.flatMap((issue) => {
    const path = issue.path.map((segment) => (typeof segment === "symbol" ? String(segment) : segment));
    if (issue.code === "unrecognized_keys") {
      const known = issue.message.split("\n");
      return issue.keys.map((key) =>
        problem(
          [...path, key],
          known.length > 1 ? "unknown key" : `unknown key, only "${known[0]}" exists`,
          suggest(key, known),
        ),
      );
    }
    const given = valueAt(options.value, path);
    const choices = choicesOf(issue);
    const hint =
      typeof given === "string" && options.isPublic(path) ? suggest(given, choices.map(String)) : undefined;
    return [problem(path, describe(issue, given, choices), hint)];
  });
}

function problem(path: ConfigPath, message: string, hint: string | undefined): ConfigProblem {
  return hint === undefined ? { path, message } : { path, message, hint };
}

function choicesOf(issue: Issue): readonly unknown[] {
  if (issue.code === "invalid_value") return issue.values;
  return issue.code === "invalid_union" && "options" in issue && Array.isArray(issue.options)
    ? issue.options
    : [];
}

function describe(issue: Issue, given: unknown, choices: readonly unknown[]): string {
  if (given === undefined) {
    return choices.length > 0 ? `is missing; one of ${list(choices)}` : `is missing${expectation(issue)}`;
  }
  if (choices.length > 0) return `must be ${choices.length > 1 ? "one of " : ""}${list(choices)}`;
  switch (issue.code) {
    case "invalid_type":
      return typeMessage(issue.expected, given);
    case "invalid_key":
      return `not a name: ${issue.issues.map((inner) => inner.message).join(", ")}`;
    case "too_small":
    case "too_big":
      return sizeMessage(issue);
    default:
      return lowerFirst(issue.message);
  }
}

function expectation(issue: Issue): string {
  return issue.code === "invalid_type" ? `; ${nouns[issue.expected] ?? issue.expected}` : "";
}

const nouns: Readonly<Record<string, string>> = {
  object: "a map",
  record: "a map",
  array: "a list",
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
};

function typeMessage(expected: string, given: unknown): string {
  const wanted = `must be ${nouns[expected] ?? expected}`;
  if (given === null) return `${wanted}, and nothing is here`;
  const is = Array.isArray(given) ? "a list" : (nouns[typeof given] ?? typeof given);
  if (expected === "string" && typeof given !== "object") return `${wanted}, not ${is}: put it in quotes`;
  return is === nouns[expected] ? wanted : `${wanted}, not ${is}`;
}

function sizeMessage(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  const own = !/^(Too small|Too big|Invalid)/.test(issue.message);
  if (own) return issue.message;
  const small = issue.code === "too_small";
  const bound = small ? issue.minimum : issue.maximum;
  const unit = issue.origin === "string" ? " characters" : issue.origin === "array" ? " entries" : "";
  if (small && issue.origin === "array" && bound === 1) return "must have an entry";
  if (small && issue.origin === "string" && bound === 1) return "must not be empty";
  const relation = small
    ? issue.inclusive
      ? "at least"
      : "more than"
    : issue.inclusive
      ? "at most"
      : "less than";
  return `must ${unit === "" ? "be" : "have"} ${relation} ${bound}${unit}`;
}

function list(choices: readonly unknown[]): string {
  return choices.map((choice) => JSON.stringify(choice)).join(", ");
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** The value at a path of own members; undefined when there is none. */
export function valueAt(value: unknown, path: ConfigPath): unknown {
  return path.reduce<unknown>(
    (inner, segment) =>
      typeof inner === "object" && inner !== null && Object.hasOwn(inner, segment)
        ? (inner as Record<string | number, unknown>)[segment]
        : undefined,
    value,
  );
}
