import { configLimits } from "#config/limits.ts";
import { printPath } from "#config/problem.ts";
import type { ConfigProblem, GatewayConfig } from "#config/schema.ts";
import { type Binding, type Layer, levels } from "./binding.ts";
import type { Chain } from "./chain.ts";
import { findContestedLanes, laneOf } from "./contested-lanes.ts";
import { inherit } from "./inherit.ts";
import { inOrder, partOf, type Step, toBatches } from "./step.ts";
import { overlappingFields } from "./writes.ts";

/** Routes, or consumers, that are all the same to this check: any of them stands for the others. */
type Alike = readonly [Layer, ...Layer[]];

type Pair = { readonly field: string; readonly a: Binding; readonly b: Binding };

/**
 * Pairs of steps that would be in one batch of a plan and write the same field, for every plan that can
 * exist. Plans are routes x consumers; what counts of each is only its steps in contested lanes, a stage
 * and priority in which two parallel steps of different ids write one field. Most configs have none and
 * are done. Otherwise routes whose steps there are alike are taken together, consumers too, and each
 * combination is put in order and cut into batches as a plan is. There are at most
 * `configLimits.parallelCombinations`; a config with more is refused, not half checked.
 */
export function findConflicts(
  config: GatewayConfig,
  chain: Chain,
  { bindings, stepsOf }: { bindings: readonly Binding[]; stepsOf: (binding: Binding) => readonly Step[] },
): ConfigProblem[] {
  const steps = bindings.flatMap(stepsOf);
  const lanes = findContestedLanes(steps);
  const contested = steps.filter((step) => lanes.has(laneOf(step)));
  const example = contested.find((step) => step.mode === "parallel");
  if (example === undefined) return [];

  const ids = new Set(contested.map((step) => step.binding.id));
  const stepsIn = (binding: Binding) => stepsOf(binding).filter((step) => lanes.has(laneOf(step)));
  const group = (layers: readonly Layer[]) =>
    groupAlike(
      layers.map((layer) => new Map([...layer].filter(([id]) => ids.has(id)))),
      stepsIn,
    );
  const routes = group(Object.keys(config.routes).map((route) => chain.general(route)));
  const consumers = group(
    [null, ...Object.keys(config.consumers)].map((consumer) => chain.specific(consumer)),
  );
  if (routes.length * consumers.length > configLimits.parallelCombinations) {
    const message = `parallel steps that write the same field could meet in ${routes.length} x ${consumers.length} different combinations of routes and consumers, too many to check: make this one sequential`;
    return [{ path: example.binding.path, message }];
  }

  const withoutRoute = { general: [chain.general(null)] as const, specific: [chain.specific(null)] as const };
  const combinations = routes.flatMap((general) => consumers.map((specific) => ({ general, specific })));
  const problems = new Map<string, ConfigProblem>();
  for (const { general, specific } of [withoutRoute, ...combinations]) {
    const met = inherit([general[0], specific[0]]).flatMap(stepsIn);
    for (const pair of pairsOf(met, general, specific)) {
      const key = `${printPath(pair.a.path)} ${printPath(pair.b.path)}`;
      if (!problems.has(key)) problems.set(key, problemOf(pair));
      if (problems.size === configLimits.problems) return [...problems.values()];
    }
  }
  return [...problems.values()];
}

function groupAlike(layers: readonly Layer[], stepsIn: (binding: Binding) => readonly Step[]): Alike[] {
  const groups = new Map<string, [Layer, ...Layer[]]>();
  for (const layer of layers) {
    const traits = traitsOf(layer, stepsIn);
    const group = groups.get(traits);
    if (group === undefined) groups.set(traits, [layer]);
    else group.push(layer);
  }
  return [...groups.values()];
}

/** All that decides about batches and conflicts. A binding without steps in them still removes what it overrides. */
function traitsOf(layer: Layer, stepsIn: (binding: Binding) => readonly Step[]): string {
  const traits = [...layer.values()].map((binding) => {
    const steps = binding.enabled ? stepsIn(binding) : [];
    const each = steps.map((step) => [laneOf(step), step.mode, ...step.writes]);
    return JSON.stringify(
      each.length === 0 ? [binding.id] : [binding.id, binding.order, binding.level, each],
    );
  });
  return traits.sort().join();
}

/** Of the steps that meet for one of these routes and consumers, the pairs that conflict, for each of them. */
function* pairsOf(steps: readonly Step[], routes: Alike, consumers: Alike): Generator<Pair> {
  for (const batch of Object.values(Object.groupBy(steps, partOf)).flatMap((part) =>
    toBatches(inOrder(part)),
  )) {
    for (const { field, earlier, later } of overlappingFields(batch)) {
      for (const [a, b] of bindingsOf([earlier.binding.id, later.binding.id], routes, consumers)) {
        if (a !== undefined && b !== undefined) yield { field, a, b };
      }
    }
  }
}

function* bindingsOf(
  [idA, idB]: readonly [string, string],
  routes: Alike,
  consumers: Alike,
): Generator<[Binding | undefined, Binding | undefined]> {
  const homeOf = (id: string) => (consumers[0].has(id) ? consumers : routes);
  if (homeOf(idA) === homeOf(idB)) {
    for (const layer of homeOf(idA)) yield [layer.get(idA), layer.get(idB)];
    return;
  }
  const distinct = (id: string) => new Set(homeOf(id).map((layer) => layer.get(id)));
  for (const a of distinct(idA)) {
    for (const b of distinct(idB)) yield [a, b];
  }
}

function problemOf({ field, a, b }: Pair): ConfigProblem {
  const aIsMoreSpecific = levels.indexOf(a.level) > levels.indexOf(b.level);
  const [where, other] = aIsMoreSpecific ? [a, b] : [b, a];
  const message = `writes ${field} in parallel with ${printPath(other.path)}: make one of them sequential, or give them different priorities`;
  return { path: where.path, message };
}
