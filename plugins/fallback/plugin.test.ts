import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { type Given, openPlugin, PluginRefused } from "@sandgate/plugin-sdk/testing";

const file = join(import.meta.dirname, "../fallback.wasm");
const busy: Given = {
  attempt: 1,
  service: "first",
  body: { model: "large" },
  error: { code: "upstream_error", upstreamStatus: 503 },
};

test("every entry is asked once, in order, and then none", async () => {
  const to = [{ service: "second" }, { service: "third", model: "other" }, { model: "small" }];
  await using plugin = await openPlugin(file, { config: { to } });
  let given = busy;
  const asked: unknown[] = [];
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    const { effects, exchange, request } = await plugin.call("error", { ...given, attempt });
    asked.push(effects.find(({ type }) => type === "fallback") ?? null);
    assert.equal(exchange.again === null, effects.length === 0);
    given = {
      ...given,
      service: exchange.service ?? "",
      tags: exchange.tags,
      body: request.body as NonNullable<Given["body"]>,
    };
  }
  assert.deepEqual(asked, [...to.map((place) => ({ type: "fallback", ...place })), null, null]);
  assert.equal(given.service, "third");
  assert.deepEqual(given.body, { model: "small" });
});

const cases: readonly (readonly [string, object, Given, object | null])[] = [
  [
    "the service that failed is passed over",
    { to: [{ service: "first" }, { service: "b" }] },
    busy,
    { service: "b" },
  ],
  [
    "the same service with another model is not",
    { to: [{ service: "first", model: "m" }] },
    busy,
    { service: "first", model: "m" },
  ],
  ["the model that failed is passed over", { to: [{ model: "large" }] }, busy, null],
  [
    "the same model at another service is not",
    { to: [{ service: "b", model: "large" }] },
    busy,
    { service: "b", model: "large" },
  ],
  [
    "a mistake of the client stays",
    { to: [{ service: "b" }] },
    { ...busy, error: { code: "upstream_error", upstreamStatus: 401 } },
    null,
  ],
  [
    "unless its status is listed",
    { to: [{ service: "b" }], statuses: [401] },
    { ...busy, error: { code: "upstream_error", upstreamStatus: 401 } },
    { service: "b" },
  ],
  [
    "a code that is not listed stays",
    { to: [{ service: "b" }], codes: [] },
    { ...busy, error: { code: "upstream_reset" } },
    null,
  ],
  [
    "a plugin's failure stays",
    { to: [{ service: "b" }] },
    { ...busy, error: { code: "plugin_failed" } },
    null,
  ],
  [
    "what failed before an upstream was asked stays",
    { to: [{ service: "b" }] },
    { ...busy, attempt: 0 },
    null,
  ],
];

for (const [name, config, given, wanted] of cases) {
  test(name, async () => {
    await using plugin = await openPlugin(file, { config: structuredClone(config) as { to: [] } });
    const { effects } = await plugin.call("error", given);
    const found = effects.find(({ type }) => type === "fallback");
    assert.deepEqual(found ?? null, wanted === null ? null : { type: "fallback", ...wanted });
  });
}

for (const [config, problem] of [
  [{}, /config\.to/],
  [{ to: [] }, /config\.to: must NOT have fewer than 1 items/],
  [{ to: [{}] }, /config\.to\.0/],
  [{ to: [{ service: "b", target: "c" }] }, /config\.to\.0\.target: unknown key/],
] as const) {
  test(`refused: config ${JSON.stringify(config)}`, async () => {
    await assert.rejects(openPlugin(file, { config: structuredClone(config) as { to: [] } }), (thrown) => {
      assert.ok(thrown instanceof PluginRefused);
      assert.match(thrown.message, problem);
      return true;
    });
  });
}
