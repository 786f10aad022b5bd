import fc from "fast-check";
import { configSchema, type GatewayConfig } from "#config/schema.ts";
import type { Manifest } from "#sdk/abi/manifest.ts";
import { manifestsOf } from "./case-file.ts";

/** Few names, so that ids meet often on several levels. */
const ids = ["a", "b", "c", "d", "constructor"];

const plugins = {
  body: { hooks: { pre_request: { mode: "parallel", writes: ["request.body"] } } },
  headers: { hooks: { pre_request: { mode: "parallel", writes: ["request.headers", "tags"] }, error: {} } },
  team: { hooks: { pre_request: { mode: "parallel", writes: ["request.headers.x-team", "respond"] } } },
  plain: {
    hooks: { pre_request: {}, post_request: { mode: "parallel", writes: ["response.body"], priority: 1 } },
  },
  quiet: {
    hooks: {
      pre_request: { mode: "parallel" },
      post_request: {},
      post_request_event: { mode: "parallel", writes: ["event"] },
      error: { mode: "parallel", priority: 3 },
    },
  },
} as const;

export const manifests: ReadonlyMap<string, Manifest> = manifestsOf(JSON.parse(JSON.stringify(plugins)));

/** Every id is one plugin's, so that any binding may merge over any other of its id. */
const pluginOf: Readonly<Record<string, string>> = {
  a: "body",
  b: "headers",
  c: "team",
  d: "headers",
  constructor: "body",
};

const anyPluginConfig = fc.dictionary(
  fc.constantFrom("x", "y", "z"),
  fc.oneof(
    fc.integer({ min: 0, max: 3 }),
    fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 2 }),
    fc.dictionary(fc.constantFrom("x", "y"), fc.oneof(fc.boolean(), fc.constant({ deep: 1 })), {
      noNullPrototype: true,
    }),
  ),
  { noNullPrototype: true },
);

type Kind = {
  /** Only of plugins that write nothing another one writes. */
  readonly harmless: boolean;
  /** Bindings merge; then an id has one plugin everywhere. */
  readonly merging?: boolean;
  readonly locking?: boolean;
};

/** Any config of these plugins. */
export function anyConfig({ harmless, merging = false, locking = false }: Kind): fc.Arbitrary<GatewayConfig> {
  const binding = fc
    .record(
      {
        id: fc.constantFrom(...ids),
        plugin: harmless ? fc.constantFrom("quiet") : fc.constantFrom(...Object.keys(plugins)),
        enabled: fc.boolean(),
        priority: fc.constantFrom(1, 2, 3),
        order: fc.integer({ min: -1, max: 1 }),
        mode: fc.constantFrom("sequential", "parallel", "parallel", "parallel"),
        effect: fc.constantFrom("enforce", "enforce", "enforce", "observe"),
        when: fc.constantFrom<object>(
          {},
          { methods: ["GET"] },
          { methods: ["POST", "PUT"] },
          { methods: ["PUT"], sample: 5 },
        ),
        config: anyPluginConfig,
        ...(merging ? { inherit: fc.constantFrom("replace", "merge", "merge") } : {}),
        ...(locking ? { lock: fc.constantFrom(false, false, true) } : {}),
      },
      { requiredKeys: ["id", "plugin"] },
    )
    .map((one) => (merging && !harmless ? { ...one, plugin: pluginOf[one.id] ?? "quiet" } : one));
  const use = fc.uniqueArray(binding, { selector: ({ id }) => id, maxLength: 4 });
  const route = (path: string) =>
    fc.record({ match: fc.constant({ paths: [path] }), service: fc.constantFrom("s", "t"), use });
  const config = fc.record({
    gateway: fc.record({ use }),
    services: fc.record({
      s: fc.record({ provider: fc.constant("mock"), use }),
      t: fc.record({ provider: fc.constant("mock"), use }),
    }),
    routes: fc.record({ one: route("/1"), two: route("/2"), constructor: route("/3") }),
    consumerGroups: fc.record({ g: fc.record({ use }), h: fc.record({ use }) }),
    consumers: fc.record({
      x: fc.record({ groups: fc.uniqueArray(fc.constantFrom("g", "h")), use }),
      toString: fc.record({ groups: fc.uniqueArray(fc.constantFrom("g", "h")), use }),
    }),
  });
  return config.map((plain) => configSchema.parse(plain)).map((parsed) => withoutNeedless(parsed));
}

/** The config without `inherit` where there is nothing to merge over, which would be refused. */
function withoutNeedless(config: GatewayConfig): GatewayConfig {
  const { gateway, services, routes, consumerGroups, consumers } = config;
  const idsOf = (...owners: (Owner | undefined)[]) =>
    owners.flatMap((owner) => (owner?.use ?? []).map(({ id }) => id ?? ""));
  const keep = (owner: Owner, above: readonly string[]) => {
    for (const binding of owner.use ?? []) if (!above.includes(binding.id ?? "")) delete binding.inherit;
  };
  keep(gateway, []);
  for (const service of Object.values(services)) keep(service, idsOf(gateway));
  for (const route of Object.values(routes)) keep(route, idsOf(gateway, services[route.service]));
  const general = idsOf(gateway, ...Object.values(services), ...Object.values(routes));
  for (const group of Object.values(consumerGroups)) keep(group, general);
  for (const consumer of Object.values(consumers)) {
    const groups = (consumer.groups ?? []).map((group) => consumerGroups[group]);
    keep(consumer, [...general, ...idsOf(...groups)]);
  }
  return config;
}

type Owner = GatewayConfig["gateway"];

export const anyRoute = fc.constantFrom("one", "two", "constructor");
export const anyConsumer = fc.constantFrom("x", "toString", null);
export const anyId = fc.constantFrom(...ids);
