import { printPath } from "#config/problem.ts";
import type { BindingConfig, ConfigPath, GatewayConfig } from "#config/schema.ts";
import type { Json } from "#sdk/abi/from-schema.ts";

/** From the most general to the most specific. */
export const levels = ["gateway", "service", "route", "consumer-group", "consumer"] as const;
export type Level = (typeof levels)[number];

/** A binding where it is written. */
export type Source = {
  readonly level: Level;
  /** Name of the service, route, group or consumer; null at the gateway level. */
  readonly owner: string | null;
  /** Whose quota its calls use; null: the operator's. */
  readonly tenant: string | null;
  /** `["routes", "chat", "use", 0]` */
  readonly path: ConfigPath;
  readonly declared: BindingConfig;
};

/** One use of a plugin: as one level writes it, or merged out of several. Its place is that of the most specific. */
export type Binding = Omit<Source, "declared"> & {
  /** Unique and readable, the key of its pool: `gateway.use.0`, or `gateway.use.0+routes.chat.use.1` for a merged one. */
  readonly key: string;
  /** What it is made of, the most general first. */
  readonly sources: readonly [Source, ...Source[]];
  readonly id: string;
  readonly plugin: string;
  /** `false` removes the id from this level down. */
  readonly enabled: boolean;
  /** As the file says it: the plugin's schema has neither checked it nor added its defaults. */
  readonly config: Readonly<Record<string, Json>>;
  readonly order: number;
  /** What the binding itself says; the rest is the manifest's, then the host's. */
  readonly declared: Readonly<Omit<BindingConfig, "id" | "plugin">>;
  readonly limits: Readonly<NonNullable<BindingConfig["limits"]>>;
  readonly grants: Readonly<NonNullable<BindingConfig["grants"]>>;
};

/** The bindings of one owner, by id. */
export type Layer = ReadonlyMap<string, Binding>;

/** The bindings of a config as they are written, nothing inherited yet. */
export type Layers = {
  readonly gateway: Layer;
  readonly services: ReadonlyMap<string, Layer>;
  readonly routes: ReadonlyMap<string, Layer>;
  readonly consumerGroups: ReadonlyMap<string, Layer>;
  readonly consumers: ReadonlyMap<string, Layer>;
};

/** An id that stands twice at one level is the config's problem, and reported there. */
export function readLayers(config: GatewayConfig): Layers {
  return {
    gateway: readLayer(config.gateway, "gateway", null, ["gateway"]),
    services: readOwners(config.services, "service", "services"),
    routes: readOwners(config.routes, "route", "routes"),
    consumerGroups: readOwners(config.consumerGroups, "consumer-group", "consumerGroups"),
    consumers: readOwners(config.consumers, "consumer", "consumers"),
  };
}

/** Every binding, in the order of the levels. */
export function* everyBinding(layers: Layers): Generator<Binding> {
  yield* layers.gateway.values();
  for (const owners of [layers.services, layers.routes, layers.consumerGroups, layers.consumers]) {
    for (const layer of owners.values()) yield* layer.values();
  }
}

type Owner = { readonly use?: readonly BindingConfig[]; readonly tenant?: string };

function readOwners(
  owners: Readonly<Record<string, Owner>>,
  level: Level,
  section: string,
): Map<string, Layer> {
  return new Map(
    Object.entries(owners).map(([name, owner]) => [name, readLayer(owner, level, name, [section, name])]),
  );
}

const nothing: Layer = new Map();

function readLayer({ use = [], tenant }: Owner, level: Level, owner: string | null, path: ConfigPath): Layer {
  if (use.length === 0) return nothing;
  return new Map(
    use.map((declared, index) => {
      const place = { level, owner, tenant: tenant ?? null, path: Object.freeze([...path, "use", index]) };
      const read = createBinding(declared, [Object.freeze({ ...place, declared })]);
      return [read.id, read];
    }),
  );
}

/** The binding that says this, at the place of its last source. */
export function createBinding(declared: BindingConfig, sources: Binding["sources"]): Binding {
  const { level, owner, tenant, path } = sources.at(-1) ?? sources[0];
  return Object.freeze({
    level,
    owner,
    tenant,
    path,
    key: sources.map((source) => printPath(source.path)).join("+"),
    sources: Object.freeze(sources),
    id: declared.id ?? declared.plugin,
    plugin: declared.plugin,
    enabled: declared.enabled ?? true,
    config: declared.config ?? {},
    order: declared.order ?? 0,
    declared,
    limits: declared.limits ?? {},
    grants: declared.grants ?? {},
  });
}
