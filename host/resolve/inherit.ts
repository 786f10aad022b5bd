import type { Binding, Layer } from "./binding.ts";

/**
 * What is in force when layers lie over each other, the most general first: of one id the most specific
 * binding, whole; an id whose most specific binding is disabled is gone.
 */
export function inherit(layers: readonly Layer[]): Binding[] {
  return [...overlay(layers).values()].filter((binding) => binding.enabled);
}

/** As `inherit`, with the disabled bindings still in: what more general layers bind under their ids is removed. */
export function overlay(layers: readonly Layer[]): Layer {
  const winners = new Map<string, Binding>();
  for (const layer of layers) {
    for (const [id, binding] of layer) winners.set(id, binding);
  }
  return winners;
}

/** The layer that several groups of one consumer are together: of one id, the first group that binds it. */
export function joinGroups(groups: readonly Layer[]): Layer {
  return overlay(groups.toReversed());
}
