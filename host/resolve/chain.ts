import type { GatewayConfig } from "#config/schema.ts";
import type { Binding, Layer, Layers } from "./binding.ts";
import { inherit, joinGroups, overlay } from "./inherit.ts";
import type { Step } from "./step.ts";

/** The layers that a plan is inherited from, in two halves: a plan is any general one under any specific one. */
export type Chain = {
  /** Gateway, service and route; null stands for a request that no route matched. */
  general(route: string | null): Layer;
  /** Groups and consumer; null stands for nobody. */
  specific(consumer: string | null): Layer;
};

/** Names that the config does not have bind nothing. */
export function createChain(config: GatewayConfig, layers: Layers): Chain {
  const nothing: Layer = new Map();
  return {
    general: (route) => {
      if (route === null) return layers.gateway;
      const service = config.routes[route]?.service ?? "";
      return overlay([
        layers.gateway,
        layers.services.get(service) ?? nothing,
        layers.routes.get(route) ?? nothing,
      ]);
    },
    specific: (consumer) => {
      if (consumer === null) return nothing;
      const groups = config.consumers[consumer]?.groups ?? [];
      return overlay([
        joinGroups(groups.map((group) => layers.consumerGroups.get(group) ?? nothing)),
        layers.consumers.get(consumer) ?? nothing,
      ]);
    },
  };
}

/**
 * Every enabled binding that is part of at least one plan and has a hook there: not the ones of a service
 * without routes, of a group without consumers, or whose id is bound again below wherever they would apply.
 */
export function bindingsInUse(
  config: GatewayConfig,
  chain: Chain,
  stepsOf: (binding: Binding) => readonly Step[],
): readonly Binding[] {
  const routes = [null, ...Object.keys(config.routes)].map((route) => chain.general(route));
  const consumers = Object.keys(config.consumers).map((consumer) => chain.specific(consumer));
  const used = new Set([...routes, ...consumers].flatMap((layer) => inherit([layer])));
  return Object.freeze([...used].filter((binding) => stepsOf(binding).length > 0));
}
