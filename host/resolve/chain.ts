import type { GatewayConfig } from "#config/schema.ts";
import type { Binding, Layer, Layers } from "./binding.ts";
import { joinGroups, overlay } from "./inherit.ts";
import { createLayOver, type LayOver } from "./merge.ts";

/** The layers that a plan is inherited from, in two halves: a plan is any general one under any specific one. */
export type Chain = {
  /** What gateway, service and route come to; null stands for a request that no route matched. */
  general(route: string | null): Layer;
  /** The same for one id. */
  generalOf(route: string, id: string): Binding | undefined;
  /** What groups and consumer write, one layer over the other; null stands for nobody. */
  specific(consumer: string | null): readonly Layer[];
  /** All of a plan, disabled bindings too. */
  inForce(route: string | null, consumer: string | null): Layer;
  readonly layOver: LayOver;
};

/** Names that the config does not have bind nothing. */
export function createChain(config: GatewayConfig, layers: Layers): Chain {
  const layOver = createLayOver();

  function layersOf(route: string): readonly Layer[] {
    const service = config.routes[route]?.service ?? "";
    return [layers.gateway, ...existing(layers.services.get(service), layers.routes.get(route))];
  }
  function general(route: string | null): Layer {
    return route === null ? layers.gateway : overlay(layersOf(route), layOver);
  }
  function specific(consumer: string | null): readonly Layer[] {
    if (consumer === null) return [];
    const groups = config.consumers[consumer]?.groups ?? [];
    const joined = joinGroups(existing(...groups.map((group) => layers.consumerGroups.get(group))));
    return existing(joined, layers.consumers.get(consumer));
  }

  return {
    general,
    generalOf: (route, id) =>
      layersOf(route).reduce<Binding | undefined>((above, layer) => {
        const binding = layer.get(id);
        return binding === undefined ? above : layOver(above, binding);
      }, undefined),
    specific,
    inForce: (route, consumer) => overlay([general(route), ...specific(consumer)], layOver),
    layOver,
  };
}

function existing(...layers: readonly (Layer | undefined)[]): Layer[] {
  return layers.filter((layer) => layer !== undefined && layer.size > 0) as Layer[];
}
