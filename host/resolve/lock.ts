import { printPath } from "#config/problem.ts";
import type { ConfigProblem, GatewayConfig } from "#config/schema.ts";
import type { Binding, Layer, Layers } from "./binding.ts";

/**
 * Bindings of an id that a more general level locks, enabled or not. Also a locked binding of a group that a
 * consumer never gets, because a group that it lists before binds the same id.
 */
export function findLockProblems(config: GatewayConfig, layers: Layers): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const check = (binding: Binding, above: readonly (Layer | undefined)[]) => {
    const locked = above.map((layer) => layer?.get(binding.id)).find((one) => one?.declared.lock);
    if (locked !== undefined) problems.push(lockProblem(binding, locked));
    return locked !== undefined;
  };

  const byRoute = [...layers.routes].map(([route, layer]) => ({
    layer,
    above: [layers.gateway, layers.services.get(config.routes[route]?.service ?? "")],
  }));
  for (const { layer, above } of byRoute) for (const binding of layer.values()) check(binding, above);
  for (const layer of layers.services.values()) {
    for (const binding of layer.values()) check(binding, [layers.gateway]);
  }

  // Every consumer may use every route.
  const general = lockedOf([layers.gateway, ...layers.services.values(), ...layers.routes.values()]);
  for (const layer of layers.consumerGroups.values()) {
    for (const binding of layer.values()) check(binding, [general]);
  }
  for (const [consumer, { groups = [] }] of Object.entries(config.consumers)) {
    const ofGroups = [...new Set(groups)].map((group) => layers.consumerGroups.get(group));
    for (const binding of layers.consumers.get(consumer)?.values() ?? [])
      check(binding, [general, ...ofGroups]);
    problems.push(...bypassedInGroups(consumer, ofGroups));
  }
  return problems;
}

function lockProblem({ path, id }: Binding, locked: Binding): ConfigProblem {
  return { path, message: `cannot change "${id}", which ${printPath(locked.path)} locks` };
}

/** Of several layers, the locked bindings, one for each id. */
function lockedOf(layers: readonly Layer[]): Layer {
  const locked = layers.flatMap((layer) => [...layer].filter(([, { declared }]) => declared.lock));
  return new Map(locked.reverse());
}

function bypassedInGroups(consumer: string, groups: readonly (Layer | undefined)[]): ConfigProblem[] {
  return groups.flatMap((group, index) =>
    [...(group?.values() ?? [])].flatMap((binding) => {
      const first = groups
        .slice(0, index)
        .find((earlier) => earlier?.has(binding.id))
        ?.get(binding.id);
      if (!binding.declared.lock || first === undefined) return [];
      const message = `its group "${first.owner}" comes first and binds "${binding.id}" at ${printPath(first.path)}, which ${printPath(binding.path)} locks: list "${binding.owner}" before it, or take the consumer out of one of them`;
      return [{ path: ["consumers", consumer, "groups"], message }];
    }),
  );
}
