import { printPath } from "#config/problem.ts";
import type { ConfigProblem } from "#config/schema.ts";
import type { Manifest } from "#sdk/abi/manifest.ts";
import type { Binding, Layers } from "./binding.ts";

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
