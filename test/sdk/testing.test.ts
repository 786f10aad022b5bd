import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { CompileFailed, openPlugin, PluginRefused, StepFailure } from "@sandgate/plugin-sdk/testing";
import { countingSource, doingSource } from "./doing-plugin.ts";

let folder = "";
const file = (name: string) => join(folder, name);

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "sandgate testing "));
  await writeFile(file("doing.ts"), doingSource);
  await writeFile(file("counting.ts"), countingSource);
});
after(() => rm(folder, { recursive: true }));

test("a hook gets what its manifest reads of the request, and nothing else", async () => {
  await using plugin = await openPlugin(file("doing.ts"));
  const { effects, exchange } = await plugin.call("pre_request", {
    url: "/v1/chat?a=1",
    headers: { "X-Do": "input", authorization: "Bearer sk-secret", absent: undefined },
    body: { model: "m" },
    consumer: "alice",
    route: "not read",
  });
  const input = {
    request: {
      path: "/v1/chat",
      headers: { "x-do": "input", "content-type": "application/json" },
      body: { model: "m" },
    },
    context: { consumer: "alice" },
  };
  const [effect] = effects;
  assert.equal(effect?.type, "tag");
  assert.deepEqual(JSON.parse(effect.value), input);
  assert.equal(exchange.tags["input"], effect.value);
});

test("the effects are applied: a test sees the request that goes on, and the answer", async () => {
  // In a config file this would be a placeholder.
  const team = ["$", "{team}"].join("");
  await using plugin = await openPlugin(file("doing.ts"), { config: { team } });
  const patched = await plugin.call("pre_request", { headers: { "x-do": "patch" }, body: '{"n":1}' });
  assert.deepEqual(patched.request.body, { n: 1, model: "small" });
  const set = await plugin.call("pre_request", { headers: { "x-do": "header x-team" } });
  assert.deepEqual(set.request.headers, { "x-do": "header x-team", "x-team": team });
  assert.equal(set.response, null);
  const refused = await plugin.call("pre_request", { headers: { "x-do": "refuse" } });
  assert.equal(refused.response?.status, 403);
  assert.deepEqual(refused.response.body, {
    error: { message: "no", type: "invalid_request_error", param: null, code: "refused" },
  });
});

test("the hooks after the request get an answer or an error", async () => {
  await using plugin = await openPlugin(file("doing.ts"));
  const plain = await plugin.call("post_request");
  assert.deepEqual(plain.response, { status: 200, headers: { "x-was": "200 undefined" }, body: undefined });
  const given = await plugin.call("post_request", { response: { status: 201, body: { a: [1] } } });
  assert.equal(given.response?.headers["x-was"], '201 {"a":[1]}');
  const failed = await plugin.call("error", { error: { code: "upstream_timeout", message: "late" } });
  assert.deepEqual([failed.response?.status, failed.response?.body], [504, "upstream_timeout: late"]);
  await assert.rejects(plugin.call("error"), /the error hook runs when a request has failed: give error/);
});

test("a call tells its cost, its log lines and what it measured", async () => {
  await using plugin = await openPlugin(file("doing.ts"));
  const { log, fuel, memoryPages, durationUs } = await plugin.call("pre_request", {
    headers: { "x-do": "say search" },
  });
  assert.deepEqual(log, [{ level: "warn", msg: "said", data: { team: "search" } }]);
  assert.ok(fuel > 10_000 && durationUs > 0 && memoryPages > 1);
  await plugin.call("pre_request", { headers: { "x-do": "measure" } });
  assert.deepEqual(plugin.metrics, [{ type: "counter", name: "calls", value: 2, labels: { team: "a" } }]);
});

for (const [what, outcome, message] of [
  ["throw", "error", /^Error: thrown on purpose\n {4}at preRequest \(doing\.ts:\d+:\d+\)$/],
  ["loop", "fuel", /units of fuel/],
  [
    "path",
    "error",
    "output/effects/0 (set-path): the manifest's writes of pre_request do not list request.path",
  ],
  ["header date", "error", "output/effects/0 (set-header): only the host sets date"],
] as const) {
  test(`a call that fails is thrown with its outcome: ${what}`, async () => {
    await using plugin = await openPlugin(file("doing.ts"), { limits: { fuel: 10_000_000 } });
    await assert.rejects(plugin.call("pre_request", { headers: { "x-do": what } }), (thrown) => {
      assert.ok(thrown instanceof StepFailure);
      assert.equal(thrown.outcome, outcome);
      if (typeof message === "string") assert.equal(thrown.message, message);
      else assert.match(thrown.message, message);
      return true;
    });
  });
}

test("callRaw gives a hook exactly this input, and a failure is an outcome", async () => {
  await using plugin = await openPlugin(file("doing.ts"));
  const input = { stage: "pre-request", request: { path: "/", headers: { "x-do": "patch" } }, context: {} };
  const good = await plugin.callRaw("pre_request", input);
  assert.equal(good.outcome, "ok");
  assert.match(Buffer.from(good.output).toString(), /^\{"effects":\[\{"type":"patch-body"/);
  const bad = await plugin.callRaw("pre_request", "not JSON");
  assert.equal(bad.outcome, "error");
  assert.match(bad.error ?? "", /^SyntaxError: /);
});

test("what is kept lives as long as the plugin is open, by the clock of the test", async () => {
  let ms = Date.parse("2030-01-01");
  const grants = { kv: true, counters: true, cache: true };
  await using plugin = await openPlugin(file("counting.ts"), { grants, now: () => ms });
  const call = async (opened = plugin) => Object.values((await opened.call("pre_request")).exchange.tags);
  assert.deepEqual(await call(), ["1", "never", "none"]);
  ms += 59_999;
  assert.deepEqual(await call(), ["2", "1893456000000", "some"]);
  ms += 1;
  assert.deepEqual(await call(), ["1", "1893456059999", "some"]);
  ms += 60_000;
  assert.deepEqual(await call(), ["1", "never", "none"]);
  await using other = await openPlugin(file("counting.ts"), { grants });
  assert.deepEqual(await call(other), ["1", "never", "none"]);
});

for (const [name, options, message] of [
  [
    "a config",
    { config: { limit: 0, tem: "a" } },
    /^config\.tem: unknown key, did you mean "team"\?\nconfig\.limit: must be >= 1$/,
  ],
  [
    "its own check",
    { config: { team: "none" } },
    /^config: the plugin "doing" refuses this config: there is no such team/,
  ],
  ["a grant", { grants: { http: ["not a host"] } }, /^grants\.http: "not a host" is not a host/],
  ["a limit", { limits: { fuel: 1e12 } }, /^limits\.fuel: /],
  ["a secret", { secrets: { token: "short" } }, /^secrets\.token: must be 8 to 4096/],
] as const) {
  test(`refused with the words of \`sandgate validate\`: ${name}`, async () => {
    await assert.rejects(openPlugin(file("doing.ts"), options as object), (thrown) => {
      assert.ok(thrown instanceof PluginRefused);
      assert.match(thrown.message, message);
      return true;
    });
  });
}

test("a plugin that needs a grant says which", async () => {
  await assert.rejects(openPlugin(file("counting.ts")), {
    name: "PluginRefused",
    message:
      'grants: the plugin "counting" needs grants.kv: true and grants.counters: true and grants.cache: true',
  });
});

test("what is no plugin is refused with its file, and source that does not compile with its place", async () => {
  await writeFile(file("text.wasm"), "text");
  await writeFile(file("wrong.ts"), "export const a = ;");
  await writeFile(file("plain.ts"), "export function run() { return 0; }");
  await assert.rejects(openPlugin(file("gone.wasm")), { name: "PluginRefused", message: /gone\.wasm: / });
  await assert.rejects(openPlugin(file("text.wasm")), { name: "PluginRefused", message: /text\.wasm: / });
  await assert.rejects(openPlugin(file("plain.ts")), { name: "PluginRefused", message: /has no manifest/ });
  await assert.rejects(openPlugin(file("wrong.ts")), (thrown) => {
    assert.ok(thrown instanceof CompileFailed);
    assert.match(thrown.message, /^wrong\.ts:1:18: /);
    return true;
  });
});
