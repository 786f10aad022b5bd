import { closestMatch } from "leven";

/** The candidate that `given` is probably a misspelling of, for `ConfigProblem.hint`; undefined when none is near. */
export function suggest(given: string, candidates: Iterable<string>): string | undefined {
  if (given.length === 0 || given.length > 64) return undefined;
  const spelled = new Map<string, string>();
  for (const candidate of candidates) spelled.set(candidate.toLowerCase(), candidate);
  // Two swapped letters are two edits; in a short word more than that is a different word.
  const maxDistance = given.length < 3 ? 1 : given.length < 7 ? 2 : 3;
  const closest = closestMatch(given.toLowerCase(), [...spelled.keys()], { maxDistance });
  return closest === undefined ? undefined : spelled.get(closest);
}
