import type { ConfigPath, ConfigProblem } from "./schema.ts";

/** A problem and the place in the file where it is to be repaired. Line and column start at 1. */
export type LocatedProblem = ConfigProblem & {
  readonly file: string;
  readonly line: number;
  readonly column: number;
};

/** A problem as one line: `gateway.yaml:12:7 routes.chat.service: no such service, did you mean "demo"?` */
export function printProblem(problem: LocatedProblem): string {
  const place = `${problem.file}:${problem.line}:${problem.column}`;
  const path = problem.path.length === 0 ? "" : ` ${printPath(problem.path)}`;
  const hint = problem.hint === undefined ? "" : `, did you mean "${problem.hint}"?`;
  return visible(`${place}${path}: ${problem.message}${hint}`);
}

/** `routes.chat.use.0.config` */
export function printPath(path: ConfigPath): string {
  return path.join(".");
}

/** Text of the file as text for a terminal: control characters escaped. */
function visible(text: string): string {
  const control = /\p{Cc}|\p{Bidi_Control}|[\u2028\u2029\ufeff]/gu;
  return text.replace(control, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
