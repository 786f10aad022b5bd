import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { type OpenOptions, openPlugin, PluginRefused } from "@sandgate/plugin-sdk/testing";

const file = join(import.meta.dirname, "../health-check.wasm");
const grants = { http: ["a.example.com", "b.example.com"], secrets: ["PROBE"] };
const secrets = { PROBE: "sk-probe-of-the-operator" };
const targetsOf = (...urls: string[]) => ({
  stage: "schedule",
  context: { targets: urls.map((url) => ({ url, healthy: true })) },
});
const two = targetsOf("https://a.example.com/v1", "https://b.example.com/v1/");

function open(config: OpenOptions["config"] & object, http: NonNullable<OpenOptions["http"]>) {
  return openPlugin(file, { config, grants, secrets, http });
}

async function healthOf(plugin: Awaited<ReturnType<typeof open>>, input: object) {
  const { outcome, output, error, log } = await plugin.callRaw("schedule", input);
  assert.equal(outcome, "ok", error ?? "");
  // Without effects there is no output.
  const text = Buffer.from(output).toString() || '{"effects":[]}';
  const { effects } = JSON.parse(text) as { effects: { healthy: boolean }[] };
  return {
    health: effects.map(({ healthy }) => healthy),
    log: log.map(({ level, msg }) => `${level}: ${msg}`),
  };
}

test("a target works when it answers as expected, and a change is logged", async () => {
  await using plugin = await open({}, ({ url }) => ({ status: url.includes("a.example") ? 200 : 503 }));
  assert.deepEqual(await healthOf(plugin, two), {
    health: [true, false],
    log: ["warn: a target does not work"],
  });
  assert.deepEqual(
    plugin.http.requests.map(({ method, url }) => `${method} ${url}`),
    ["GET https://a.example.com/v1/models", "GET https://b.example.com/v1/models"],
  );
  const known = {
    stage: "schedule",
    context: { targets: [{ url: "https://b.example.com", healthy: false }] },
  };
  assert.deepEqual(await healthOf(plugin, known), { health: [false], log: [] });
});

test("a target that is back works again", async () => {
  await using plugin = await open({}, () => ({ status: 200 }));
  const input = {
    stage: "schedule",
    context: { targets: [{ url: "https://a.example.com", healthy: false }] },
  };
  assert.deepEqual(await healthOf(plugin, input), { health: [true], log: ["info: a target works again"] });
});

test("the probe is what the config says, with the secret that is granted", async () => {
  const config = {
    ...{ method: "POST", path: "/chat/completions?probe=1", body: '{"model":"m"}', statuses: [200, 429] },
    headers: { authorization: "Bearer {{secret:PROBE}}" },
  };
  await using plugin = await open(config, () => ({ status: 429 }));
  assert.deepEqual((await healthOf(plugin, targetsOf("https://a.example.com/v1"))).health, [true]);
  const [sent] = plugin.http.requests;
  assert.equal(sent?.method, "POST");
  assert.equal(sent?.url, "https://a.example.com/v1/chat/completions?probe=1");
  assert.match(JSON.stringify(sent), /application\/json/);
  assert.match(JSON.stringify(sent), /probe-of-the-operator|secret:PROBE/);
});

test("a host that is not granted is not asked, and does not work", async () => {
  await using plugin = await open({}, () => ({ status: 200 }));
  const { health } = await healthOf(
    plugin,
    targetsOf("https://c.example.com/v1", "https://a.example.com/v1"),
  );
  assert.deepEqual(health, [false, true]);
});

test("a target that does not answer counts as one that does not work, and delays no other", async () => {
  await using plugin = await open({ timeoutMs: 100 }, ({ url }) =>
    url.includes("a.example") ? new Promise(() => {}) : { status: 200 },
  );
  const { health } = await healthOf(
    plugin,
    targetsOf(...["a", "b", "a", "b"].map((host, at) => `https://${host}.example.com/${at}`)),
  );
  assert.deepEqual(health, [false, true, false, true]);
});

test("of more targets than a call may ask some have their turn, and nothing is said of the others", async () => {
  await using plugin = await open({}, () => ({ status: 200 }));
  const urls = Array.from({ length: 20 }, (_, at) => `https://a.example.com/${at}`);
  const seen = new Set<string>();
  for (let run = 0; run < 200 && seen.size < urls.length; run += 1) {
    const before = plugin.http.requests.length;
    const { health, log } = await healthOf(plugin, targetsOf(...urls));
    assert.deepEqual([health, log], [Array(8).fill(true), []]);
    for (const { url } of plugin.http.requests.slice(before)) seen.add(url);
  }
  assert.equal(seen.size, urls.length);
});

test("without targets there is nothing to ask", async () => {
  await using plugin = await open({}, () => ({ status: 200 }));
  assert.deepEqual((await healthOf(plugin, targetsOf())).health, []);
});

for (const [config, problem] of [
  [{ path: "models" }, /config\.path: must match pattern/],
  [{ timeoutMs: 0 }, /config\.timeoutMs: must be >= 1/],
  [{ statuses: [] }, /config\.statuses: must NOT have fewer than 1 items/],
  [{ body: "{}" }, /body: a GET has none; set method: POST/],
] as const) {
  test(`refused: config ${JSON.stringify(config)}`, async () => {
    const written = structuredClone(config) as unknown as NonNullable<OpenOptions["config"]>;
    await assert.rejects(openPlugin(file, { config: written, grants, secrets }), (thrown) => {
      assert.ok(thrown instanceof PluginRefused);
      assert.match(thrown.message, problem);
      return true;
    });
  });
}
