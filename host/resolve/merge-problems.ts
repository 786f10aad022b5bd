import { configLimits } from "#config/limits.ts";
import { printPath } from "#config/problem.ts";
import type { ConfigProblem, GatewayConfig } from "#config/schema.ts";
import { suggest } from "#config/suggest.ts";
import { type Binding, everyBinding, type Layer, type Layers } from "./binding.ts";
import type { Chain } from "./chain.ts";
import { basesOf, type Endings } from "./endings.ts";
import { merges } from "./merge.ts";

type Options = { readonly layers: Layers; readonly chain: Chain; readonly endings: Endings };

/** Merging bindings that have nothing to merge over anywhere, or a binding of another plugin, or too many others. */
export function findMergeProblems(config: GatewayConfig, options: Options): ConfigProblem[] {
  return [
    ...mergesOverNothing(config, options.layers),
    ...mergesOfTwoPlugins(config, options),
    ...tooManyMerges(config, options),
  ];
}

/**
 * A binding may meet nothing on one route and something on the next; there it stands alone. One that can meet
 * nothing anywhere is a mistake: mostly its id is misspelled.
 */
function mergesOverNothing(config: GatewayConfig, layers: Layers): ConfigProblem[] {
  const general = idsOf([layers.gateway, ...layers.services.values(), ...layers.routes.values()]);
  return [...everyBinding(layers)].filter(merges).flatMap((binding) => {
    const above = idsAbove(binding, { config, layers, general });
    if (above.has(binding.id)) return [];
    const path = [...binding.path, "inherit"];
    const message = `merges over nothing: no more general level binds the id "${binding.id}"`;
    const hint = suggest(binding.id, above);
    return [hint === undefined ? { path, message } : { path, message, hint }];
  });
}

type Above = {
  readonly config: GatewayConfig;
  readonly layers: Layers;
  /** Ids of gateway, services and routes. */
  readonly general: ReadonlySet<string>;
};

function idsAbove({ level, owner }: Binding, { config, layers, general }: Above): ReadonlySet<string> {
  const name = owner ?? "";
  switch (level) {
    case "gateway":
      return new Set();
    case "service":
      return idsOf([layers.gateway]);
    case "route":
      return idsOf([layers.gateway, layers.services.get(config.routes[name]?.service ?? "")]);
    case "consumer-group":
      return general;
    case "consumer": {
      const groups = config.consumers[name]?.groups ?? [];
      return general.union(idsOf(groups.map((group) => layers.consumerGroups.get(group))));
    }
    default:
      return level satisfies never;
  }
}

function idsOf(layers: readonly (Layer | undefined)[]): ReadonlySet<string> {
  return new Set(layers.flatMap((layer) => [...(layer?.keys() ?? [])]));
}

function mergesOfTwoPlugins(config: GatewayConfig, options: Options): ConfigProblem[] {
  const problems = new Map<string, ConfigProblem>();
  for (const [general, specific] of meetings(config, options)) {
    if (!general?.enabled || !merges(specific) || general.plugin === specific.plugin) continue;
    const path = [...specific.path, "inherit"];
    const message = `merges over ${printPath(general.path)}, which binds another plugin, "${general.plugin}": leave \`inherit\` out, or choose another \`id\``;
    problems.set(`${printPath(path)} ${general.plugin}`, { path, message });
  }
  return [...problems.values()];
}

/** Pairs of bindings that come to lie over each other; of those that routes have under one id, one for each plugin. */
function* meetings(
  config: GatewayConfig,
  { layers, chain, endings }: Options,
): Generator<readonly [Binding | undefined, Binding]> {
  for (const layer of layers.services.values()) {
    for (const binding of layer.values()) yield [layers.gateway.get(binding.id), binding];
  }
  for (const [route, layer] of layers.routes) {
    const service = layers.services.get(config.routes[route]?.service ?? "");
    for (const binding of layer.values()) {
      yield [service?.get(binding.id) ?? layers.gateway.get(binding.id), binding];
    }
  }
  for (const [first, second] of [...endings.closed, ...[...endings.open.values()].flat()]) {
    if (second !== undefined) yield [first, second];
  }
  for (const [id, open] of endings.open) {
    const enabled = basesOf(config, chain, id).filter((base) => base?.enabled);
    const byPlugin = new Map(enabled.map((base) => [base?.plugin, base]));
    for (const [first] of open) {
      for (const base of byPlugin.values()) yield [base, first];
    }
  }
}

/** Merging multiplies: what each consumer says, over what each route has. */
function tooManyMerges(config: GatewayConfig, { chain, endings }: Options): ConfigProblem[] {
  const counted = [...endings.open].map(([id, open]) => {
    const bases = basesOf(config, chain, id).length;
    return {
      id,
      first: open[0]?.[0],
      endings: open.length,
      bases,
      added: open.length * Math.max(0, bases - 1),
    };
  });
  const added = counted.reduce((sum, one) => sum + one.added, 0);
  const [most] = counted.toSorted((a, b) => b.added - a.added);
  if (added <= configLimits.mergedBindings || most?.first === undefined) return [];
  const message = `${most.endings} bindings of groups and consumers merge over ${most.bases} different ones that routes have under the id "${most.id}", and merging may add ${configLimits.mergedBindings}: let them replace, or bind the id at fewer routes`;
  return [{ path: [...most.first.path, "inherit"], message }];
}
