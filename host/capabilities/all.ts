import type { GatewayConfig } from "#config/schema.ts";
import type { Capability, CapabilityScope, HostImport } from "./capability.ts";
import { createConsumers } from "./consumers.ts";
import { createHttp } from "./http.ts";

/** Every capability of a generation, made from its config. */
export function createCapabilities({
  consumers = {},
  secrets = {},
}: Partial<Pick<GatewayConfig, "consumers" | "secrets">>): readonly Capability[] {
  return [createConsumers(consumers), createHttp(secrets)];
}

/**
 * The host functions that a binding gets, by `namespace.name`: those of every capability that grants it some.
 * @throws InvalidGrant when `grants.http` names something that is no host
 */
export function grantImports(
  capabilities: readonly Capability[],
  scope: CapabilityScope,
): Readonly<Record<string, HostImport>> {
  return Object.assign({}, ...capabilities.map((capability) => capability.grant(scope) ?? {}));
}

/** Every import that some capability could provide, granted or not, as `namespace.name`. */
export function capabilityImports(capabilities: readonly Capability[]): ReadonlySet<string> {
  return new Set(capabilities.flatMap(({ imports }) => imports));
}
