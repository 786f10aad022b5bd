import type { GatewayConfig } from "#config/schema.ts";
import { type Caches, createCaches } from "#host/store/cache.ts";
import { createMemoryStore } from "#host/store/memory.ts";
import type { Store } from "#host/store/store.ts";
import { createCache } from "./cache.ts";
import type { Capability, CapabilityScope, HostImport } from "./capability.ts";
import { createConsumers } from "./consumers.ts";
import { createCounters } from "./counters.ts";
import { createCrypto } from "./crypto.ts";
import { createHttp } from "./http.ts";
import type { Sender } from "./http-send.ts";
import { createKv } from "./kv.ts";
import { createMetrics, type MetricSink } from "./metrics.ts";

/** Where plugins leave something that outlives a generation. */
export type Backing = {
  readonly store: Store;
  readonly caches: Caches;
  readonly metrics: MetricSink;
  /** Who sends what plugins send; default: the network. */
  readonly send?: Sender;
};

/** In memory, with metrics that nobody reads: for a plugin without a gateway. */
export function memoryBacking(): Backing {
  return { store: createMemoryStore(), caches: createCaches(), metrics: () => () => null };
}

/** Every capability of a generation, made from its config. */
export function createCapabilities(
  { consumers = {}, secrets = {} }: Partial<Pick<GatewayConfig, "consumers" | "secrets">>,
  { store, caches, metrics, send }: Backing = memoryBacking(),
): readonly Capability[] {
  return [
    createConsumers(consumers),
    createHttp(secrets, send),
    createKv(store),
    createCounters(store),
    createCache(caches),
    createMetrics(metrics),
    createCrypto(secrets),
  ];
}

/** A module imports what its binding has no right to. */
export class MissingGrant extends Error {
  constructor(plugin: string, needs: string) {
    super(`the plugin "${plugin}" needs ${needs}`);
    this.name = "MissingGrant";
  }
}

/**
 * The host functions that a binding gets, by `namespace.name`: those of every capability that grants it some.
 * @param options.imported what its module imports, as `namespace.name`
 * @throws InvalidGrant when `grants.http` names something that is no host
 * @throws MissingGrant when something is imported that a grant would give
 */
export function grantImports(
  capabilities: readonly Capability[],
  scope: CapabilityScope,
  { imported = new Set() }: { readonly imported?: ReadonlySet<string> } = {},
): Readonly<Record<string, HostImport>> {
  const granted = capabilities.map((capability) => ({ capability, functions: capability.grant(scope) }));
  const needs = granted.flatMap(({ capability: { needs, imports }, functions }) =>
    functions === null && needs !== null && imports.some((name) => imported.has(name)) ? [needs] : [],
  );
  if (needs.length > 0) throw new MissingGrant(scope.plugin, needs.join(" and "));
  return Object.assign({}, ...granted.map(({ functions }) => functions ?? {}));
}

/** Every import that some capability could provide, granted or not, as `namespace.name`. */
export function capabilityImports(capabilities: readonly Capability[]): ReadonlySet<string> {
  return new Set(capabilities.flatMap(({ imports }) => imports));
}
