import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestGateway } from "#test/harness.ts";
import { watPlugin } from "#test/wat-plugin.ts";

const spinning = watPlugin(
  { name: "spinning", hooks: { pre_request: { reads: [], writes: [] } } },
  { pre_request: "(loop (br 0)) (i32.const 0)" },
);
const honest = watPlugin(
  { name: "honest", hooks: { pre_request: { reads: [], writes: ["tags"] } } },
  { pre_request: [{ type: "tag", name: "seen", value: "yes" }] },
);
const body = { model: "mock", messages: [{ role: "user", content: "hi" }] };

const config = (tenants: object, limits: object = {}, bindingLimits: object = {}) => ({
  limits: { plugins: limits },
  tenants,
  services: { demo: { provider: "mock" } },
  routes: {
    theirs: {
      match: { paths: ["/theirs/*"] },
      service: "demo",
      tenant: "acme",
      use: [{ plugin: "spinning", limits: bindingLimits }],
    },
    ours: {
      match: { paths: ["/ours/*"] },
      service: "demo",
      tenant: "other",
      use: [{ plugin: "honest", id: "first" }],
    },
  },
});

test("while a tenant spins with all it may, requests of another are answered; what is too much is refused as overload", async (t) => {
  const gateway = await startTestGateway(t, {
    config: config(
      { acme: { calls: 4 }, other: {} },
      { fuel: 10_000_000_000, deadlineMs: 1_500 },
      { deadlineMs: 1_000 },
    ),
    plugins: { spinning, honest },
  });
  const theirs = Array.from({ length: 20 }, () => gateway.post("/theirs/chat/completions", body));
  for (let index = 0; index < 20; index += 1) {
    assert.equal((await gateway.post("/ours/chat/completions", body)).status, 200);
  }
  const answers = await Promise.all(theirs);
  const statuses = answers.map(({ status }) => status).sort();
  assert.deepEqual(statuses, [...Array(4).fill(500), ...Array(16).fill(503)]);
  const refused = answers.find(({ status }) => status === 503);
  assert.ok(refused);
  assert.ok(refused.headers.has("retry-after"));
  const { error } = (await refused.json()) as { error: { code: string } };
  assert.equal(error.code, "plugin_overloaded");
});
