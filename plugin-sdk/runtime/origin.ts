/**
 * Where code comes from, small enough to live in the module. The text is JSON, `[sources, runs]`: a source is a
 * path, null for one that no author needs to see. Runs are five numbers each: at this generated line (as the
 * difference to the run before) and column begins code of this source; from here to the next run the original
 * line and column are the generated ones plus the last two numbers. Lines and columns count from 1.
 */
export type Positions = readonly [sources: readonly (string | null)[], runs: readonly number[]];

/** Numbers in a run. */
export const runLength = 5;

export type Origin = { readonly file: string; readonly line: number; readonly column: number };

/** The original place of a generated one; null for code that is not the author's. */
export function originOf([sources, runs]: Positions, line: number, column: number): Origin | null {
  let found = -1;
  let runLine = 0;
  for (let at = 0; at < runs.length; at += runLength) {
    runLine += runs[at] as number;
    if (runLine > line || (runLine === line && (runs[at + 1] as number) > column)) break;
    found = at;
  }
  const file = found < 0 ? null : (sources[runs[found + 2] as number] ?? null);
  if (file === null) return null;
  return { file, line: line + (runs[found + 3] as number), column: column + (runs[found + 4] as number) };
}

/** The name that stack frames of a bundle carry. */
export const bundleName = "<plugin>";

const frame = /^(\s*at )(?:(.*) \()?<plugin>:(\d+):(\d+)\)?$/;

/** A stack as the engine writes it, in the author's files; frames of other code are left out. */
export function originalStack(stack: string, positions: Positions): string {
  const lines: string[] = [];
  for (const line of stack.split("\n")) {
    const match = frame.exec(line);
    if (match === null) {
      if (line.trim() !== "") lines.push(line);
      continue;
    }
    const origin = originOf(positions, Number(match[3]), Number(match[4]));
    if (origin === null) continue;
    const place = `${origin.file}:${origin.line}:${origin.column}`;
    const name = match[2] ?? "";
    lines.push(name === "" || name === "<anonymous>" ? `    at ${place}` : `    at ${name} (${place})`);
  }
  return lines.join("\n");
}
