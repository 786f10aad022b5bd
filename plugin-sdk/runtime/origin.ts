/**
 * Where code comes from, small enough to live in the module. The first file is null: code that no author needs to
 * see. Runs are five numbers each, in the order of the first two: at this generated line and column begins code of
 * this file; from here to the next run the original line and column are the generated ones plus the last two
 * numbers. Lines and columns count from 1.
 */
export type Positions = readonly [files: readonly (string | null)[], runs: ArrayLike<number>];

/** Numbers in a run. */
const runLength = 5;

/**
 * As one text. What is parsed while a plugin is compiled leaves garbage in the memory that it starts with, and an
 * array that JSON.parse makes of many numbers leaves ten times as much as they take.
 */
export function writePositions([files, runs]: Positions): string {
  return JSON.stringify([files, runs.length, `${Array.from(runs).join()},`]);
}

/** Of what `writePositions` wrote. */
export function readPositions(written: string): Positions {
  const [files, length, numbers] = JSON.parse(written) as [(string | null)[], number, string];
  const runs = new Int32Array(length);
  let at = 0;
  for (let index = 0; index < length; index++) {
    const end = numbers.indexOf(",", at);
    runs[index] = Number(numbers.slice(at, end));
    at = end + 1;
  }
  return [files, runs];
}

export type Origin = { readonly file: string; readonly line: number; readonly column: number };

/** The original place of a generated one; null for code that is not the author's. */
export function originOf([files, runs]: Positions, line: number, column: number): Origin | null {
  let low = 0;
  let high = runs.length / runLength;
  while (low < high) {
    const middle = (low + high) >> 1;
    const runLine = runs[middle * runLength] as number;
    const isAfter = runLine > line || (runLine === line && (runs[middle * runLength + 1] as number) > column);
    if (isAfter) high = middle;
    else low = middle + 1;
  }
  if (low === 0) return null;
  const found = (low - 1) * runLength;
  const file = files[runs[found + 2] as number] ?? null;
  if (file === null) return null;
  return { file, line: line + (runs[found + 3] as number), column: column + (runs[found + 4] as number) };
}

/** The name that stack frames of a bundle carry. */
export const bundleName = "<plugin>";

/** A frame of a function that the engine itself gave out: nobody but the SDK can name it. */
const engineFrame = /^\s*at sandgate(:| \(native\)$)/;
const frame = /^(\s*at )(?:(.*) \()?<plugin>:(\d+):(\d+)\)?$/;

/** A stack as the engine writes it, in the author's files; frames of other code are left out. */
export function originalStack(stack: string, positions: Positions): string {
  const lines: string[] = [];
  for (const line of stack.split("\n")) {
    const match = frame.exec(line);
    if (match === null) {
      if (line.trim() !== "" && !engineFrame.test(line)) lines.push(line);
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
