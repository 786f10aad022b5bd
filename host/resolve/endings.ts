import type { GatewayConfig } from "#config/schema.ts";
import type { Binding, Layer } from "./binding.ts";
import type { Chain } from "./chain.ts";
import { merges } from "./merge.ts";

/** Written bindings of one id by groups and consumers, of which each merges over the one before. */
export type Ending = readonly [Binding, ...Binding[]];

/** How the groups and consumers of a config end the chain of an id, each way once. */
export type Endings = {
  /** Nothing more general is left in it, so it comes to the same on every route. */
  readonly closed: readonly Ending[];
  /** By id, what merges over the binding that the route has, or stands alone where it has none. */
  readonly open: ReadonlyMap<string, readonly Ending[]>;
};

export function findEndings(config: GatewayConfig, chain: Chain): Endings {
  const known = new Map<string, Ending>();
  for (const consumer of Object.keys(config.consumers)) {
    const specific = chain.specific(consumer);
    for (const id of new Set(specific.flatMap((layer) => [...layer.keys()]))) {
      const ending = endingOf(specific, id);
      if (ending !== null) known.set(ending.map(({ key }) => key).join("+"), ending);
    }
  }
  const { open = [], closed = [] } = Object.groupBy(known.values(), ([first]) =>
    merges(first) ? "open" : "closed",
  );
  return { closed, open: Map.groupBy(open, ([{ id }]) => id) };
}

/** From the last binding on that needs nothing more general. */
function endingOf(specific: readonly Layer[], id: string): Ending | null {
  let ending: Ending | null = null;
  for (const layer of specific) {
    const binding = layer.get(id);
    if (binding === undefined) continue;
    ending = merges(binding) && ending !== null ? [...ending, binding] : [binding];
  }
  return ending;
}

/** What the routes of a config have under an id, each binding once; undefined where one has none. */
export function basesOf(config: GatewayConfig, chain: Chain, id: string): readonly (Binding | undefined)[] {
  return [...new Set(Object.keys(config.routes).map((route) => chain.generalOf(route, id)))];
}

/**
 * Every enabled binding that is part of at least one plan and has a hook there: not the ones of a service
 * without routes, of a group without consumers, or whose id is bound again below wherever they would apply.
 */
export function bindingsInUse(
  config: GatewayConfig,
  { chain, endings }: { readonly chain: Chain; readonly endings: Endings },
  hasSteps: (binding: Binding) => boolean,
): readonly Binding[] {
  const used = new Set<Binding>();
  for (const route of [null, ...Object.keys(config.routes)]) {
    for (const binding of chain.general(route).values()) used.add(binding);
  }
  const end = (base: Binding | undefined, ending: Ending) => {
    const binding = ending.reduce(chain.layOver, base);
    if (binding !== undefined) used.add(binding);
  };
  for (const ending of endings.closed) end(undefined, ending);
  for (const [id, open] of endings.open) {
    const bases = basesOf(config, chain, id);
    for (const ending of open) for (const base of bases) end(base, ending);
  }
  return Object.freeze([...used].filter((binding) => binding.enabled && hasSteps(binding)));
}
