import { configuredSegments } from "./request-path.ts";

/** A path of the config as it is compared. `/v1/*` is everything below `/v1/`, and `/v1/` itself, but not `/v1`. */
export type PathPattern = { readonly segments: readonly string[]; readonly isPrefix: boolean };

/** Null for a path that no request can have, which is a problem of the config. */
export function readPathPattern(path: string): PathPattern | null {
  const segments = configuredSegments(path);
  if (segments === null) return null;
  const isPrefix = path.endsWith("/*");
  return { segments: isPrefix ? segments.slice(0, -1) : segments, isPrefix };
}

/** @param segments of a request's path. */
export function coversPath(
  { segments: wanted, isPrefix }: PathPattern,
  segments: readonly string[],
): boolean {
  const fits = isPrefix ? segments.length > wanted.length : segments.length === wanted.length;
  return fits && wanted.every((segment, index) => segment === segments[index]);
}

/** Whether some path is covered by both. */
export function meetsPattern(one: PathPattern, other: PathPattern): boolean {
  if (!one.isPrefix) return coversPath(other, one.segments);
  if (!other.isPrefix) return coversPath(one, other.segments);
  const [short, long] = [one, other].toSorted((a, b) => a.segments.length - b.segments.length);
  return short?.segments.every((segment, index) => segment === long?.segments[index]) ?? true;
}
