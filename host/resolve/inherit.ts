import type { Binding, Layer } from "./binding.ts";
import type { LayOver } from "./merge.ts";

/**
 * What is left when layers lie over each other, the most general first: of one id the most specific binding,
 * whole or merged. Disabled bindings are still in: what more general layers bind under their ids is removed.
 */
export function overlay(layers: readonly Layer[], layOver: LayOver): Layer {
  const [only, ...more] = layers.filter(({ size }) => size > 0);
  if (only === undefined || more.length === 0) return only ?? nothing;
  const winners = new Map(only);
  for (const layer of more) {
    for (const [id, binding] of layer) winners.set(id, layOver(winners.get(id), binding));
  }
  return winners;
}

const nothing: Layer = new Map();

/** The layer that several groups of one consumer are together: of one id, the first group that binds it, whole. */
export function joinGroups(groups: readonly Layer[]): Layer {
  return overlay(groups.toReversed(), (_, specific) => specific);
}

export function enabledOf(layer: Layer): Binding[] {
  return [...layer.values()].filter(({ enabled }) => enabled);
}
