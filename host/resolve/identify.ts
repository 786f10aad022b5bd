import { printPath } from "#config/problem.ts";
import type { ConfigProblem, GatewayConfig } from "#config/schema.ts";
import type { Manifest } from "#sdk/abi/manifest.ts";
import { type Binding, everyBinding, type Layers } from "./binding.ts";
import type { Chain } from "./chain.ts";
import { enabledOf } from "./inherit.ts";
import { originOf } from "./origin.ts";

/** Whether the plugin says who is calling: its `pre_request` writes `identify` and runs before all others. */
export function isAuthenticator(manifest: Manifest): boolean {
  return manifest.hooks.pre_request?.writes?.includes("identify") ?? false;
}

/**
 * Bindings of consumers and groups that touch an authenticator. It has run before the consumer is known, so
 * they could never apply.
 */
export function findLateAuthenticators(
  layers: Layers,
  manifests: ReadonlyMap<string, Manifest>,
): ConfigProblem[] {
  const authenticates = ({ plugin }: Binding) => {
    const manifest = manifests.get(plugin);
    return manifest !== undefined && isAuthenticator(manifest);
  };
  const general = [layers.gateway, ...layers.services.values(), ...layers.routes.values()];
  const early = new Map<string, Binding>();
  for (const binding of general.flatMap((layer) => [...layer.values()])) {
    if (binding.enabled && authenticates(binding) && !early.has(binding.id)) early.set(binding.id, binding);
  }
  const specific = [...layers.consumerGroups.values(), ...layers.consumers.values()];
  return specific
    .flatMap((layer) => [...layer.values()])
    .flatMap((binding) => {
      if (authenticates(binding)) {
        const message = `"${binding.plugin}" finds out who is calling, so it cannot depend on the consumer: bind it at the gateway, a service or a route`;
        return [{ path: [...binding.path, "plugin"], message }];
      }
      const replaced = early.get(binding.id);
      if (replaced === undefined) return [];
      const message = `cannot replace ${printPath(replaced.path)}, which has run before the consumer is known: choose another \`id\``;
      return [{ path: binding.path, message }];
    });
}

/**
 * Routes whose authenticators all only observe: what these find out counts for nothing, so every request is refused. To take
 * such a route as open instead would open it by a word that promises to change nothing.
 */
export function findObservingAuthenticators(
  config: GatewayConfig,
  { layers, chain }: { readonly layers: Layers; readonly chain: Chain },
  manifests: ReadonlyMap<string, Manifest>,
): ConfigProblem[] {
  const authenticates = ({ plugin }: Binding) => {
    const manifest = manifests.get(plugin);
    return manifest !== undefined && isAuthenticator(manifest);
  };
  const observes = ({ declared }: Binding) => declared.effect === "observe";
  const isAnyTried = everyBinding(layers).some((binding) => observes(binding) && authenticates(binding));
  if (!isAnyTried) return [];
  const problems = new Map<string, ConfigProblem>();
  for (const route of Object.keys(config.routes)) {
    const authenticators = enabledOf(chain.inForce(route, null)).filter(authenticates);
    const [first] = authenticators;
    if (first === undefined || !authenticators.every(observes)) continue;
    const path = originOf(first, ["effect"]);
    const message = `only observes, so nobody is ever identified on the route "${route}" and all its requests would be refused: set effect: enforce, or bind another plugin there that finds out who is calling`;
    if (!problems.has(printPath(path))) problems.set(printPath(path), { path, message });
  }
  return [...problems.values()];
}
