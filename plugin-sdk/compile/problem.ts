import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** One thing that is wrong with a plugin's source. */
export type Problem = {
  /** Relative to the folder of the plugin's entry; null when it is not about one file. */
  readonly file: string | null;
  /** From 1; 0 when it is about the whole file. */
  readonly line: number;
  readonly column: number;
  readonly text: string;
  /** The lines around it, with a mark under the place. */
  readonly frame: string | null;
  /** More to say, each on a line of its own: the chain of imports, the stack. */
  readonly notes: readonly string[];
};

/** A plugin that cannot be compiled, and why. The message is all problems, printable as it is. */
export class CompileFailed extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map((problem) => problemText(problem)).join("\n"));
    this.name = "CompileFailed";
    this.problems = problems;
  }
}

/** `plugin.ts:3:5: text`, the frame, the notes; `folder` comes before the file. */
export function problemText({ file, line, column, text, frame, notes }: Problem, folder = ""): string {
  const place =
    file === null ? "" : line === 0 ? `${join(folder, file)}: ` : `${join(folder, file)}:${line}:${column}: `;
  return [`${place}${text}`, ...(frame === null ? [] : [frame]), ...notes.map((note) => `  ${note}`)].join(
    "\n",
  );
}

/** A problem without a place of its own. */
export function wholeFile(file: string | null, text: string): Problem {
  return { file, line: 0, column: 0, text, frame: null, notes: [] };
}

const linesAround = 2;
/** Of a line, as of one that a minifier wrote. */
const longestShown = 160;

/** The lines around a place of a file in `folder`; null when the file cannot be read or has no such line. */
export async function codeFrame(
  folder: string,
  { file, line, column }: { readonly file: string; readonly line: number; readonly column: number },
): Promise<string | null> {
  let source: string;
  try {
    source = await readFile(join(folder, file), "utf8");
  } catch {
    // The frame is a help beside the message; a file that is gone by now does not change what is wrong.
    return null;
  }
  const lines = source.split(/\r?\n/);
  const found = lines[line - 1];
  if (found === undefined) return null;
  const first = Math.max(1, line - linesAround);
  const last = Math.min(lines.length, line + linesAround);
  const width = String(last).length;
  // All lines lose the same columns, so that they stay under each other.
  const from = found.length > longestShown ? Math.max(0, column - 1 - longestShown / 2) : 0;
  const shown: string[] = [];
  for (let number = first; number <= last; number++) {
    const content = (lines[number - 1] ?? "").slice(from, from + longestShown);
    shown.push(`${number === line ? ">" : " "} ${String(number).padStart(width)} | ${content}`.trimEnd());
    if (number !== line) continue;
    // Tabs stay tabs, so that the mark stands under its place however wide they are shown.
    const indent = content.slice(0, column - 1 - from).replace(/[^\t]/g, " ");
    shown.push(`  ${" ".repeat(width)} | ${indent}^`);
  }
  return shown.join("\n");
}
