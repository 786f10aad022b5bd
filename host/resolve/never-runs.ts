import type { RouteConfig, WhenConfig } from "#config/schema.ts";
import { meetsPattern, readPathPattern } from "./path-pattern.ts";
import type { Plan } from "./plan.ts";
import type { Step } from "./step.ts";

/** Where a step stands: in a plan of a route. */
export type Standing = {
  readonly plan: Plan;
  readonly match: RouteConfig["match"];
  /** Every step of the plan. */
  readonly steps: readonly Step[];
};

/**
 * Why the condition of a step cannot hold for any request of the plan; null when it can, or when that cannot
 * be told because a step of the plan may change what it looks at.
 */
export function neverRuns({ binding }: Step, standing: Standing): string | null {
  const { when } = binding.declared;
  if (when === undefined) return null;
  return reasons(when, standing).find((reason) => reason !== null) ?? null;
}

type Reason = string | null;

function* reasons(when: WhenConfig, { plan, match, steps }: Standing): Generator<Reason> {
  const isWritten = (field: string) =>
    steps.some(({ writes, effect }) => effect === "enforce" && touches(writes, field));
  const { consumer, groups } = plan;
  if (when.consumers && (consumer === null || !when.consumers.includes(consumer))) {
    yield consumer === null
      ? "nobody is identified"
      : `it is for other consumers: ${when.consumers.join(", ")}`;
  }
  if (when.groups && !when.groups.some((group) => groups.includes(group))) {
    yield consumer === null ? "nobody is identified" : `it is for other groups: ${when.groups.join(", ")}`;
  }
  if (when.methods && match.methods && !when.methods.some((method) => match.methods?.includes(method))) {
    yield `the route takes ${match.methods.join(", ")} only`;
  }
  if (when.tags && !isWritten("tags")) yield "no step of this plan sets tags";
  if (when.paths && !isWritten("request.path") && !shareAPath(when.paths, match.paths)) {
    yield "the route has other paths";
  }
  const keepsModel = !isWritten("request.body") && !isWritten("model");
  if (when.models && match.models && keepsModel && !shareAModel(when.models, match.models)) {
    yield "the route has other models";
  }
  for (const [name, value] of Object.entries(match.headers ?? {})) {
    const wanted = Object.entries(when.headers ?? {}).find(
      ([one]) => one.toLowerCase() === name.toLowerCase(),
    );
    const isOther = wanted !== undefined && ![wanted[1]].flat().includes(value);
    if (isOther && !isWritten("request.headers")) yield `the route wants another value of the header ${name}`;
  }
}

function touches(writes: ReadonlySet<string>, field: string): boolean {
  return [...writes].some((written) => written === field || written.startsWith(`${field}.`));
}

function shareAPath(some: readonly string[], others: readonly string[]): boolean {
  const patterns = others.map(readPathPattern).filter((pattern) => pattern !== null);
  return some.some((path) => {
    const own = readPathPattern(path);
    return own !== null && patterns.some((pattern) => meetsPattern(own, pattern));
  });
}

function shareAModel(some: readonly string[], others: readonly string[]): boolean {
  return some.some((one) => others.some((other) => covers(one, other) || covers(other, one)));
}

/** Whether a model, exact or with a trailing `*`, takes in all of another. */
function covers(wide: string, narrow: string): boolean {
  return wide.endsWith("*") ? narrow.startsWith(wide.slice(0, -1)) : wide === narrow;
}
