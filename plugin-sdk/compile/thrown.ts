import { originalStack, originOf, type Positions } from "../runtime/origin.ts";
import type { Thrown } from "./guest.ts";
import { codeFrame, type Problem, wholeFile } from "./problem.ts";

export type ThrownContext = {
  readonly folder: string;
  /** The entry, for what has no place. */
  readonly file: string;
  readonly positions: Positions;
  /** After which running code was ended. */
  readonly deadlineMs: number;
};

const bundlePlace = /<plugin>:(\d+):(\d+)/g;

/** What the code of a plugin threw while it started, at the place where it did. */
export async function problemOfThrown(
  { name, message, stack }: Thrown,
  { folder, file, positions, deadlineMs }: ThrownContext,
): Promise<Problem> {
  const text =
    name === "InternalError" && message === "interrupted"
      ? `not done after ${deadlineMs} ms: code outside of handlers runs once, while the plugin is compiled`
      : name === ""
        ? thrownText(message)
        : `${name}: ${message}`;
  for (const [, line, column] of stack.matchAll(bundlePlace)) {
    const origin = originOf(positions, Number(line), Number(column));
    if (origin === null) continue;
    const [, ...callers] = originalStack(stack, positions).split("\n");
    return {
      ...origin,
      text,
      frame: await codeFrame(folder, origin),
      notes: callers.map((one) => one.trim()),
    };
  }
  return wholeFile(file, text);
}

function thrownText(message: string): string {
  if (message === "") return "thrown: something that is no Error and has no text";
  // The engine throws null when there is no memory left for an error.
  return message === "null" ? "null was thrown, or memory ran out" : `thrown: ${message}`;
}
