import assert from "node:assert/strict";
import { test } from "node:test";
import type { BindingConfig } from "#config/schema.ts";
import { createMetrics } from "#host/observe/metrics.ts";
import { startTestGateway, type TestGateway } from "#test/harness.ts";
import { type HookBody, watPlugin } from "#test/wat-plugin.ts";
import { scrape, total } from "./metrics.ts";

const chat = { model: "mock", messages: [{ role: "user", content: "Hello" }] };
const config = {
  services: { mock: { provider: "mock" } },
  routes: {
    chat: { match: { paths: ["/v1/*"] }, service: "mock" },
    gemini: { match: { paths: ["/v1beta/*"] }, service: "mock" },
  },
};

type Failure = {
  readonly name: string;
  readonly does: HookBody;
  readonly limits?: BindingConfig["limits"];
  readonly outcome: string;
  readonly error: RegExp;
};

const forever = "(loop $again (br $again)) (i32.const 0)";

const failures: readonly Failure[] = [
  { name: "a trap", does: "unreachable", outcome: "trap", error: /unreachable/ },
  { name: "an endless loop", does: forever, outcome: "fuel", error: /fuel/ },
  {
    name: "an endless loop with little time",
    does: forever,
    limits: { deadlineMs: 1 },
    outcome: "deadline",
    error: /1 ms/,
  },
  {
    name: "memory over its limit",
    does: "(drop (memory.grow (i32.const 32))) (i32.const 0)",
    limits: { memoryMb: 1 },
    outcome: "memory",
    error: /pages/,
  },
  {
    name: "an error of its own",
    does: "(call $error_set (call $block (i32.const 0) (i32.const 5))) (i32.const 1)",
    outcome: "error",
    error: /never/,
  },
  { name: "a result that is not 0", does: "(i32.const 7)", outcome: "error", error: /7/ },
  {
    name: "output that is no JSON",
    does: "(call $puts (i32.const 0) (i32.const 5)) (i32.const 0)",
    outcome: "error",
    error: /^output is not JSON: /,
  },
  {
    name: "an effect that it does not declare",
    does: [{ type: "set-path", path: "/v1/models" }],
    outcome: "error",
    error: /the manifest's writes of pre_request do not list request\.path$/,
  },
  {
    name: "identify, which it does not declare",
    does: [{ type: "identify", consumer: "alice" }],
    outcome: "error",
    error: /the manifest's writes of pre_request do not list identify$/,
  },
];

function gatewayWith(
  t: Parameters<typeof startTestGateway>[0],
  { does, limits }: Pick<Failure, "does" | "limits">,
  onFailure: "closed" | "open",
): Promise<TestGateway> {
  const bad = watPlugin(
    { name: "bad", hooks: { pre_request: {} } },
    { pre_request: does },
    '(data (i32.const 0) "never")',
  );
  const binding = { plugin: "bad", onFailure, ...(limits === undefined ? {} : { limits }) };
  return startTestGateway(t, { plugins: { bad }, config: { ...config, gateway: { use: [binding] } } });
}

for (const failure of failures) {
  test(`${failure.name}, closed: the client gets a typed error, log and metrics the reason`, async (t) => {
    const gateway = await gatewayWith(t, failure, "closed");
    const answer = await gateway.post("/v1/chat/completions", chat);
    assert.equal(answer.status, 500);
    assert.equal(answer.headers.get("x-should-retry"), "false");
    assert.deepEqual(await answer.json(), {
      error: { message: "The plugin bad failed.", type: "server_error", param: null, code: "plugin_failed" },
    });
    const requestId = answer.headers.get("x-request-id");
    const step = await gateway.logged(({ msg }) => msg === "a plugin failed");
    assert.match(String(step["error"]), failure.error);
    const { level, time: _time, error: _error, ...fields } = step;
    assert.deepEqual(fields, {
      requestId,
      plugin: "bad",
      binding: "gateway.use.0",
      hook: "pre_request",
      outcome: failure.outcome,
      skipped: false,
      msg: "a plugin failed",
    });
    assert.equal(level, "warn");
    const request = await gateway.logged(({ code }) => code === "plugin_failed");
    assert.deepEqual(
      [request["requestId"], request["blame"], request["plugin"], request["route"], request["status"]],
      [requestId, "plugin", "bad", "chat", 500],
    );
    assert.equal(request["cause"], step["error"]);
    const samples = await scrape(gateway);
    const labels = { plugin: "bad", binding: "gateway.use.0", hook: "pre_request" };
    assert.equal(total(samples, "sandgate_plugin_calls_total", { ...labels, outcome: failure.outcome }), 1);
    assert.equal(total(samples, "sandgate_plugin_calls_total"), 1);
    assert.equal(total(samples, "sandgate_plugin_call_duration_seconds_count", labels), 1);
    assert.ok(total(samples, "sandgate_plugin_fuel_total", labels) > 0);
    assert.equal(
      total(samples, "sandgate_requests_total", { route: "chat", service: "mock", status: "500" }),
      1,
    );
  });

  test(`${failure.name}, open: the request goes on without it, log and metrics have it`, async (t) => {
    const gateway = await gatewayWith(t, failure, "open");
    const answer = await gateway.post("/v1/chat/completions", chat);
    assert.equal(answer.status, 200);
    const { sandgate_mock: seen } = (await answer.json()) as { sandgate_mock: { path: string } };
    assert.equal(seen.path, "/chat/completions");
    const step = await gateway.logged(({ msg }) => msg === "a plugin failed");
    assert.deepEqual([step["outcome"], step["skipped"]], [failure.outcome, true]);
    assert.ok(!gateway.log.some(({ code }) => code !== undefined));
    const samples = await scrape(gateway);
    assert.equal(total(samples, "sandgate_plugin_calls_total", { outcome: failure.outcome }), 1);
    assert.equal(total(samples, "sandgate_requests_total", { status: "200" }), 1);
  });
}

test("the error has the shape of the API that the client speaks", async (t) => {
  const gateway = await gatewayWith(t, { does: "unreachable" }, "closed");
  const bodyOf = async (path: string) => (await gateway.post(path, chat)).json();
  const message = "The plugin bad failed.";
  assert.deepEqual(await bodyOf("/v1beta/models/gemini-2.5-pro:generateContent"), {
    error: { code: 500, message, status: "INTERNAL" },
  });
  const { request_id: _id, ...anthropic } = (await bodyOf("/v1/messages")) as Record<string, unknown>;
  assert.deepEqual(anthropic, { type: "error", error: { type: "api_error", message } });
});

test("what clients make up is no label: unknown paths and methods are one series", async (t) => {
  const gateway = await startTestGateway(t, { config });
  const asked = Array.from({ length: 20 }, (_, index) => gateway.fetch(`/made-up/${index}?a=${index}`));
  for (const answer of await Promise.all(asked)) assert.equal(answer.status, 404);
  const requests = (await scrape(gateway)).filter(({ name }) => name === "sandgate_requests_total");
  assert.deepEqual(requests, [
    { name: "sandgate_requests_total", labels: { route: "", service: "", status: "404" }, value: 20 },
  ]);
});

test("/metrics names its labels, and all of them come from config, code or statuses", async (t) => {
  const gateway = await gatewayWith(t, { does: [] }, "closed");
  await gateway.post("/v1/chat/completions", chat);
  const samples = await scrape(gateway);
  const labelsOf = (name: string) =>
    Object.keys(samples.find((one) => one.name === name)?.labels ?? {}).sort();
  assert.deepEqual(labelsOf("sandgate_requests_total"), ["route", "service", "status"]);
  assert.deepEqual(labelsOf("sandgate_request_duration_seconds_count"), ["route", "service"]);
  assert.deepEqual(labelsOf("sandgate_upstream_duration_seconds_count"), ["service"]);
  assert.deepEqual(labelsOf("sandgate_plugin_calls_total"), ["binding", "hook", "outcome", "plugin"]);
  assert.deepEqual(labelsOf("sandgate_plugin_call_duration_seconds_count"), ["binding", "hook", "plugin"]);
  assert.deepEqual(labelsOf("sandgate_plugin_fuel_total"), ["binding", "hook", "plugin"]);
  assert.deepEqual(labelsOf("sandgate_reloads_total"), ["result"]);
  const { contentType } = await createMetrics().render({ bindings: new Map(), quarantined: () => [] });
  assert.equal((await gateway.fetch("/metrics")).headers.get("content-type"), contentType);
});
