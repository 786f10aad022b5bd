import type { MakeImports } from "../run-module.ts";

/**
 * One module and what is done with it, in order. A line of `calls` says what the specification wants:
 * `name(1, 2n) = 3` or `name() traps divide by zero`, in the words of V8; `name(1)` alone has no other judge
 * than the original. i64 values end in `n`, no result is `none`.
 */
export type Case = {
  readonly name: string;
  /** In the text format. */
  readonly module: string;
  /** Of an instantiation that fails. */
  readonly startTraps?: string;
  readonly imports?: MakeImports;
  readonly calls: readonly string[] | Iterable<Call>;
};

export type Call = {
  readonly name: string;
  readonly args: readonly unknown[];
  readonly results?: readonly unknown[];
  readonly traps?: string;
};

export function parseCall(line: string): Call {
  const match = /^([^(]*)\((.*?)\)(?: = (.*)| traps (.*))?$/.exec(line);
  if (match === null) throw new SyntaxError(`no call: ${line}`);
  const [, name = "", args = "", results, traps] = match;
  return {
    name,
    args: valuesOf(args),
    ...(results === undefined ? {} : { results: valuesOf(results === "none" ? "" : results) }),
    ...(traps === undefined ? {} : { traps }),
  };
}

function valuesOf(text: string): unknown[] {
  return text === "" ? [] : text.split(", ").map(valueFrom);
}

function valueFrom(text: string): unknown {
  if (text === "null") return null;
  if (/^(?:function|text) /.test(text)) return text;
  if (/^-?\w+n$/.test(text)) {
    return text.startsWith("-") ? -BigInt(text.slice(1, -1)) : BigInt(text.slice(0, -1));
  }
  const value = Number(text);
  if (Number.isNaN(value) && text !== "NaN") throw new SyntaxError(`no value: ${text}`);
  return value;
}

/** Calls of a function with every combination of these arguments. */
export function* product(name: string, choices: readonly (readonly unknown[])[]): Generator<Call> {
  for (const args of combinations(choices)) yield { name, args };
}

function* combinations(choices: readonly (readonly unknown[])[]): Generator<unknown[]> {
  const [first, ...rest] = choices;
  if (first === undefined) {
    yield [];
    return;
  }
  for (const value of first) for (const others of combinations(rest)) yield [value, ...others];
}
