import { performance } from "node:perf_hooks";
import { setImmediate as nextTurn } from "node:timers/promises";

/** Work on a module in one turn of the event loop; requests run in between. */
const turnMs = 4;

/** `work` on each value in order, giving the event loop a turn whenever one has been used up. */
export async function mapInTurns<T, R>(
  values: readonly T[],
  work: (value: T, index: number) => R,
): Promise<R[]> {
  const results: R[] = [];
  let until = performance.now() + turnMs;
  for (const [index, value] of values.entries()) {
    results.push(work(value, index));
    if (performance.now() < until) continue;
    await nextTurn();
    until = performance.now() + turnMs;
  }
  return results;
}
