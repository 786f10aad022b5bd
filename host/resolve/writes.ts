import type { Batch, Step } from "./step.ts";

/** What any number of steps may write at once: the first answer in plan order wins, tags add up. */
const together: ReadonlySet<string> = new Set(["respond", "tags"]);

/** What of a step's writes excludes others from writing it at the same time. One that only observes writes nothing. */
export function exclusiveWrites(step: Step): readonly string[] {
  return step.effect === "observe" ? [] : [...step.writes].filter((field) => !together.has(field));
}

/** `request.headers` of `request.headers.x-team`; undefined for what is no part of another field. */
export function wholeOf(field: string): string | undefined {
  return /^(?:request|response)\.headers(?=\.)/.exec(field)?.[0];
}

type Overlap = { readonly field: string; readonly earlier: Step; readonly later: Step };

/** Every pair of steps of a batch that write the same field, in one turn over the batch. */
export function* overlappingFields(batch: Batch): Generator<Overlap> {
  const writers = new Map<string, Step[]>();
  const partWriters = new Map<string, Step[]>();
  for (const later of batch) {
    const fields = exclusiveWrites(later);
    for (const field of fields) {
      const whole = wholeOf(field);
      const others = whole === undefined ? partWriters.get(field) : writers.get(whole);
      for (const earlier of [...(writers.get(field) ?? []), ...(others ?? [])])
        yield { field, earlier, later };
    }
    for (const field of fields) {
      const whole = wholeOf(field);
      add(writers, field, later);
      if (whole !== undefined) add(partWriters, whole, later);
    }
  }
}

function add(lists: Map<string, Step[]>, key: string, step: Step): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [step]);
  else list.push(step);
}
