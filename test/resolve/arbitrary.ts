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
    hooks: { pre_request: { mode: "parallel" }, post_request: {}, error: { mode: "parallel", priority: 3 } },
  },
} as const;

export const manifests: ReadonlyMap<string, Manifest> = manifestsOf(JSON.parse(JSON.stringify(plugins)));

/** Any config of these plugins; with `harmless`, of those only that write nothing another one writes. */
export function anyConfig({ harmless }: { harmless: boolean }): fc.Arbitrary<GatewayConfig> {
  const binding = fc.record(
    {
      id: fc.constantFrom(...ids),
      plugin: harmless ? fc.constantFrom("quiet") : fc.constantFrom(...Object.keys(plugins)),
      enabled: fc.boolean(),
      priority: fc.constantFrom(1, 2, 3),
      order: fc.integer({ min: -1, max: 1 }),
      mode: fc.constantFrom("sequential", "parallel"),
    },
    { requiredKeys: ["id", "plugin"] },
  );
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
  return config.map((plain) => configSchema.parse(plain));
}

export const anyRoute = fc.constantFrom("one", "two", "constructor");
export const anyConsumer = fc.constantFrom("x", "toString", null);
export const anyId = fc.constantFrom(...ids);
