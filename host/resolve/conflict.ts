import { configLimits } from "#config/limits.ts";
import { printPath } from "#config/problem.ts";
import type { ConfigProblem, GatewayConfig } from "#config/schema.ts";
import { type Binding, type Layer, levels } from "./binding.ts";
import type { Chain } from "./chain.ts";
import { findContestedLanes, laneOf } from "./contested-lanes.ts";
import type { Endings } from "./endings.ts";
import { enabledOf, overlay } from "./inherit.ts";
import { inOrder, partOf, type Step, toBatches } from "./step.ts";
import { overlappingFields } from "./writes.ts";

/** What routes have, one layer, or what groups and consumers write, one over the other. */
type Half = readonly Layer[];

/** Routes, or consumers, that are all the same to this check: any of them stands for the others. */
type Alike = readonly [Half, ...Half[]];

type Pair = { readonly field: string; readonly a: Binding; readonly b: Binding };

type Options = {
  readonly bindings: readonly Binding[];
  readonly endings: Endings;
  readonly stepsOf: (binding: Binding) => readonly Step[];
};

/**
 * Pairs of steps that would be in one batch of a plan and write the same field, for every plan that can
 * exist. Plans are routes x consumers; what counts of each is only its steps in contested lanes, a stage
 * and priority in which two parallel steps of different ids write one field. Most configs have none and
 * are done. Otherwise routes whose steps there are alike are taken together, consumers too, and each
 * combination is put in order and cut into batches as a plan is. There are at most
 * `configLimits.parallelCombinations`; a config with more is refused, not half checked. Of conditions only
 * `methods` is looked at, which no effect changes: steps of no common method never run for one request. Others that
 * exclude each other may be refused all the same.
 */
export function findConflicts(
  config: GatewayConfig,
  chain: Chain,
  { bindings, endings, stepsOf }: Options,
): ConfigProblem[] {
  const steps = bindings.flatMap(stepsOf);
  const lanes = findContestedLanes(steps);
  const contested = steps.filter((step) => lanes.has(laneOf(step)));
  const example = contested.find((step) => step.mode === "parallel");
  if (example === undefined) return [];

  const ids = new Set(contested.map((step) => step.binding.id));
  const stepsIn = (binding: Binding) => stepsOf(binding).filter((step) => lanes.has(laneOf(step)));
  const merging = new Set(endings.closed.flatMap(([{ id }, second]) => (second === undefined ? [] : [id])));
  const traitsOf = (binding: Binding) =>
    endings.open.has(binding.id) || merging.has(binding.id)
      ? writtenTraits(binding)
      : stepTraits(binding, stepsIn);
  const group = (halves: readonly Half[]) =>
    groupAlike(
      halves.map((half) => half.map((layer) => new Map([...layer].filter(([id]) => ids.has(id))))),
      traitsOf,
    );
  const routes = group(Object.keys(config.routes).map((route) => [chain.general(route)]));
  const consumers = group(
    [null, ...Object.keys(config.consumers)].map((consumer) => chain.specific(consumer)),
  );
  if (routes.length * consumers.length > configLimits.parallelCombinations) {
    const message = `parallel steps that write the same field could meet in ${routes.length} x ${consumers.length} different combinations of routes and consumers, too many to check: make this one sequential`;
    return [{ path: example.binding.path, message }];
  }

  const withoutRoute = { general: [[chain.general(null)]] as const, specific: [[]] as const };
  const combinations = routes.flatMap((general) => consumers.map((specific) => ({ general, specific })));
  const problems = new Map<string, ConfigProblem>();
  for (const { general, specific } of [withoutRoute, ...combinations]) {
    const met = enabledOf(overlay([...general[0], ...specific[0]], chain.layOver)).flatMap(stepsIn);
    for (const pair of pairsOf(met, general, specific)) {
      // Of two that merge, which one comes first may depend on the route.
      const key = [printPath(pair.a.path), printPath(pair.b.path)].sort().join(" ");
      if (!problems.has(key)) problems.set(key, problemOf(pair));
      if (problems.size === configLimits.problems) return [...problems.values()];
    }
  }
  return [...problems.values()];
}

function groupAlike(halves: readonly Half[], traitsOf: (binding: Binding) => string): Alike[] {
  const groups = new Map<string, [Half, ...Half[]]>();
  for (const half of halves) {
    const traits = half.map((layer) => [...layer.values()].map(traitsOf).sort().join()).join(" over ");
    const group = groups.get(traits);
    if (group === undefined) groups.set(traits, [half]);
    else group.push(half);
  }
  return [...groups.values()];
}

/** All that decides about batches and conflicts. A binding without steps in them still removes what it overrides. */
function stepTraits(binding: Binding, stepsIn: (binding: Binding) => readonly Step[]): string {
  const { id, order, level, enabled, declared } = binding;
  const each = (enabled ? stepsIn(binding) : []).map((step) => [
    laneOf(step),
    step.mode,
    step.effect,
    step.binding.declared.when?.methods,
    ...step.writes,
  ]);
  return JSON.stringify(
    each.length === 0 ? [id, declared.inherit] : [id, declared.inherit, order, level, each],
  );
}

/** The same for an id that merges: also what it says for others to merge over. */
function writtenTraits({ id, plugin, enabled, level, declared }: Binding): string {
  const { inherit, priority, order, mode, effect, when } = declared;
  const condition = when && { methods: when.methods };
  return JSON.stringify([id, plugin, enabled, level, inherit, priority, order, mode, effect, condition]);
}

/** Of the steps that meet for one of these routes and consumers, the pairs that conflict, for each of them. */
function* pairsOf(steps: readonly Step[], routes: Alike, consumers: Alike): Generator<Pair> {
  for (const batch of Object.values(Object.groupBy(steps, partOf)).flatMap((part) =>
    toBatches(inOrder(part)),
  )) {
    for (const { field, earlier, later } of overlappingFields(batch)) {
      if (!shareAMethod(earlier, later)) continue;
      for (const [a, b] of bindingsOf([earlier.binding.id, later.binding.id], routes, consumers)) {
        if (a !== undefined && b !== undefined) yield { field, a, b };
      }
    }
  }
}

function shareAMethod(one: Step, other: Step): boolean {
  const methods = one.binding.declared.when?.methods;
  const others = other.binding.declared.when?.methods;
  return methods === undefined || others === undefined || methods.some((method) => others.includes(method));
}

/** The most specific place of each id: where the config is to be changed, merged or not. */
function* bindingsOf(
  [idA, idB]: readonly [string, string],
  routes: Alike,
  consumers: Alike,
): Generator<[Binding | undefined, Binding | undefined]> {
  const homeOf = (id: string) => (placeOf(consumers[0], id) === undefined ? routes : consumers);
  if (homeOf(idA) === homeOf(idB)) {
    for (const half of homeOf(idA)) yield [placeOf(half, idA), placeOf(half, idB)];
    return;
  }
  const distinct = (id: string) => new Set(homeOf(id).map((half) => placeOf(half, id)));
  for (const a of distinct(idA)) {
    for (const b of distinct(idB)) yield [a, b];
  }
}

function placeOf(half: Half, id: string): Binding | undefined {
  return half.findLast((layer) => layer.has(id))?.get(id);
}

function problemOf({ field, a, b }: Pair): ConfigProblem {
  const aIsMoreSpecific = levels.indexOf(a.level) > levels.indexOf(b.level);
  const [where, other] = aIsMoreSpecific ? [a, b] : [b, a];
  const message = `writes ${field} in parallel with ${printPath(other.path)}: make one of them sequential, or give them different priorities`;
  return { path: where.path, message };
}
