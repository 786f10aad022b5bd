/** A line as it is compared, and as it is printed: a credential is compared and never printed. */
export type DiffLine = { readonly text: string; readonly shown: string };

export type Difference = {
  readonly kind: "same" | "removed" | "added" | "left out";
  readonly shown: string;
};

/** Unchanged lines that are kept around a change. */
const contextLines = 2;
/** Lines of each side, compared with each line of the other; above it all of them count as changed. */
const mostCompared = 1_500;

/** What makes one text of another, line by line; empty when they are the same. */
export function difference(before: readonly DiffLine[], after: readonly DiffLine[]): Difference[] {
  const shortest = Math.min(before.length, after.length);
  let start = 0;
  while (start < shortest && before[start]?.text === after[start]?.text) start++;
  let end = 0;
  while (end < shortest - start && before.at(-1 - end)?.text === after.at(-1 - end)?.text) end++;
  if (start === before.length && start === after.length) return [];

  const same = (lines: readonly DiffLine[]) => lines.map(({ shown }) => ({ kind: "same", shown }) as const);
  return withContext([
    ...same(before.slice(0, start)),
    ...changes(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...same(before.slice(before.length - end)),
  ]);
}

/** By the longest common subsequence. */
function changes(before: readonly DiffLine[], after: readonly DiffLine[]): Difference[] {
  const removed = ({ shown }: DiffLine) => ({ kind: "removed", shown }) as const;
  const added = ({ shown }: DiffLine) => ({ kind: "added", shown }) as const;
  if (Math.max(before.length, after.length) > mostCompared)
    return [...before.map(removed), ...after.map(added)];

  const width = after.length + 1;
  const longest = new Uint16Array((before.length + 1) * width);
  const at = (row: number, column: number) => longest[row * width + column] ?? 0;
  for (let row = before.length - 1; row >= 0; row--) {
    for (let column = after.length - 1; column >= 0; column--) {
      longest[row * width + column] =
        before[row]?.text === after[column]?.text
          ? at(row + 1, column + 1) + 1
          : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }

  const found: Difference[] = [];
  let [row, column] = [0, 0];
  for (;;) {
    const [left, right] = [before[row], after[column]];
    if (left === undefined && right === undefined) return found;
    if (left !== undefined && left.text === right?.text) {
      found.push({ kind: "same", shown: left.shown });
      row++;
      column++;
    } else if (left !== undefined && (right === undefined || at(row + 1, column) >= at(row, column + 1))) {
      found.push(removed(left));
      row++;
    } else if (right !== undefined) {
      found.push(added(right));
      column++;
    }
  }
}

function withContext(lines: readonly Difference[]): Difference[] {
  const near = new Set<number>();
  for (const [index, { kind }] of lines.entries()) {
    if (kind === "same") continue;
    for (let step = -contextLines; step <= contextLines; step++) near.add(index + step);
  }
  const found: Difference[] = [];
  for (const [index, line] of lines.entries()) {
    if (near.has(index)) found.push(line);
    else if (found.at(-1)?.kind !== "left out") found.push({ kind: "left out", shown: "…" });
  }
  return found;
}
