import type { GatewayConfig } from "#config/schema.ts";
import type { TargetInfo } from "./upstream/targets.ts";

/** What plugins may send a request to. */
export type Reach = {
  /**
   * Names of the services that a tenant (null: the operator) has, or that a route of it goes to: a plugin gets at nothing that
   * the config does not let its tenant use.
   */
  services(tenant: string | null): ReadonlySet<string>;
  /** Those of a service that have a key or need none; none for a service inside of the process. */
  targets(service: string): readonly TargetInfo[];
};

/** Of a request that has no route yet. */
export const noReach: Reach = { services: () => new Set(), targets: () => [] };

export function createReach(
  { services, routes }: GatewayConfig,
  targets: (service: string) => readonly TargetInfo[],
): Reach {
  const known = new Map<string | null, ReadonlySet<string>>();
  return {
    services(tenant) {
      const found = known.get(tenant);
      if (found !== undefined) return found;
      const own = Object.entries(services).filter(([, one]) => (one.tenant ?? null) === tenant);
      const used = Object.values(routes).filter((route) => (route.tenant ?? null) === tenant);
      const names = new Set([...own.map(([name]) => name), ...used.map(({ service }) => service)]);
      known.set(tenant, names);
      return names;
    },
    targets,
  };
}
