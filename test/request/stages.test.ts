import assert from "node:assert/strict";
import { test } from "node:test";
import type { Effect } from "#sdk/abi/effects.ts";
import { startTestGateway } from "#test/harness.ts";
import { inputWat } from "#test/pipeline/stage.ts";
import { watPlugin } from "#test/wat-plugin.ts";
import { scrape, total } from "./metrics.ts";

const chat = { model: "mock", messages: [{ role: "user", content: "Hello" }], steps: [] };
const mock = { services: { mock: { provider: "mock" } } };
const open = { ...mock, routes: { chat: { match: { paths: ["/v1/*"] }, service: "mock" } } };

const step = (on: "request" | "response", name: string): Effect => ({
  type: "patch-body",
  on,
  patch: [{ op: "add", path: "/steps/-", value: name }],
});

/** Writes its name into the bodies of request and answer. */
const signing = (name: string, priority?: 1 | 2 | 3) => {
  const rank = priority === undefined ? {} : { priority };
  return watPlugin(
    {
      name,
      hooks: {
        pre_request: { writes: ["request.body"], ...rank },
        post_request: { writes: ["response.body"], ...rank },
      },
    },
    { pre_request: [step("request", name)], post_request: [step("response", name)] },
  );
};

const header = (name: string, value: string): Effect => ({ type: "set-header", on: "response", name, value });
const logging = "(call $log_info (call $input)) (i32.const 0)";

test("steps run by priority, order, level and name, before the upstream and, in the same order, after it", async (t) => {
  const first = watPlugin(
    { name: "first", hooks: { post_request: { writes: ["response.body"], priority: 1 } } },
    {
      post_request: [
        { type: "patch-body", on: "response", patch: [{ op: "add", path: "/steps", value: [] }] },
      ],
    },
  );
  const gateway = await startTestGateway(t, {
    plugins: {
      first,
      essential: signing("essential"),
      optional: signing("optional", 3),
      critical: signing("critical", 1),
      early: signing("early"),
      route: signing("route"),
      service: signing("service"),
    },
    config: {
      gateway: {
        use: [
          { plugin: "optional" },
          { plugin: "first" },
          { plugin: "essential" },
          { plugin: "early", order: -1 },
        ],
      },
      services: { mock: { provider: "mock", use: [{ plugin: "service" }] } },
      routes: {
        chat: {
          match: { paths: ["/v1/*"] },
          service: "mock",
          use: [{ plugin: "route" }, { plugin: "critical", order: 1 }],
        },
      },
    },
  });
  const answer = await gateway.post("/v1/chat/completions", chat);
  const { steps, sandgate_mock: seen } = (await answer.json()) as {
    steps: string[];
    sandgate_mock: { body: { steps: string[] } };
  };
  const inOrder = ["critical", "early", "essential", "service", "route", "optional"];
  assert.deepEqual(seen.body.steps, inOrder);
  assert.deepEqual(steps, inOrder);
});

test("an answer of a plugin goes through the post-request steps, and no upstream is asked", async (t) => {
  const answering = watPlugin(
    { name: "answering", hooks: { pre_request: { writes: ["respond"] } } },
    { pre_request: [{ type: "respond", status: 203, body: { steps: ["answering"] } }] },
  );
  const gateway = await startTestGateway(t, {
    plugins: { answering, after: signing("after") },
    config: { ...open, gateway: { use: [{ plugin: "answering" }, { plugin: "after", order: 1 }] } },
  });
  const answer = await gateway.post("/v1/chat/completions", chat);
  assert.equal(answer.status, 203);
  assert.deepEqual(await answer.json(), { steps: ["answering", "after"] });
  assert.equal(total(await scrape(gateway), "sandgate_upstream_duration_seconds_count"), 0);
});

test("an error of the upstream goes through the error stage, and is an answer for the post-request steps", async (t) => {
  const both = watPlugin(
    {
      name: "both",
      hooks: {
        post_request: { reads: ["response.status"], writes: ["response.headers"] },
        error: { writes: ["response.headers"] },
      },
    },
    { post_request: [header("x-post", "1")], error: [header("x-error", "1"), header("x-post", "0")] },
  );
  const gateway = await startTestGateway(t, {
    plugins: { both },
    config: { ...open, gateway: { use: [{ plugin: "both" }] } },
  });
  const { status, headers } = await gateway.post("/v1/chat/completions", {
    ...chat,
    model: "mock-error-503",
  });
  assert.deepEqual([status, headers.get("x-post"), headers.get("x-error")], [503, "1", "1"]);
});

const seeing = watPlugin(
  { name: "seeing", hooks: { error: { reads: ["error", "request.path"] } } },
  { error: logging },
  inputWat,
);
const trapping = watPlugin({ name: "trapping", hooks: { pre_request: {} } }, { pre_request: "unreachable" });
const errorTrap = watPlugin({ name: "error-trap", hooks: { error: {} } }, { error: "unreachable" });

for (const { name, path, expected } of [
  {
    name: "no route",
    path: "/nowhere",
    expected: {
      code: "no_route",
      status: 404,
      blame: "client",
      message: "No route of the gateway matches this request.",
    },
  },
  {
    name: "a plugin that failed",
    path: "/trap/x",
    expected: {
      code: "plugin_failed",
      status: 500,
      blame: "plugin",
      message: "The plugin trapping failed.",
      plugin: "trapping",
    },
  },
  {
    name: "an upstream that cannot be reached",
    path: "/gone/x",
    expected: {
      code: "upstream_unreachable",
      status: 502,
      blame: "upstream",
      message: "The upstream cannot be reached.",
    },
  },
]) {
  test(`the error stage sees ${name} as a typed error, and a step of it that fails hides nothing`, async (t) => {
    const gateway = await startTestGateway(t, {
      plugins: { seeing, trapping, "error-trap": errorTrap },
      config: {
        gateway: { use: [{ plugin: "seeing" }, { plugin: "error-trap", order: 1 }] },
        services: {
          ...mock.services,
          gone: { provider: "openai", targets: [{ url: "http://127.0.0.1:1" }] },
        },
        routes: {
          trap: { match: { paths: ["/trap/*"] }, service: "mock", use: [{ plugin: "trapping" }] },
          gone: { match: { paths: ["/gone/*"] }, service: "gone" },
        },
      },
    });
    const answer = await gateway.post(path, chat);
    assert.equal(answer.status, expected.status);
    const { error } = (await answer.json()) as { error: { code: string; message: string } };
    assert.equal(error.code, expected.code);

    const line = await gateway.logged(({ plugin, msg }) => plugin === "seeing" && msg.startsWith("{"));
    const seen = JSON.parse(line.msg);
    assert.deepEqual({ ...seen.error, message: "" }, { ...expected, message: "" });
    assert.equal(seen.error.message, error.message);
    assert.equal(seen.request.path, path);

    const failed = await gateway.logged(
      ({ binding, msg }) => binding === "gateway.use.1" && msg === "a plugin failed",
    );
    assert.deepEqual([failed["plugin"], failed["hook"], failed["outcome"]], ["error-trap", "error", "trap"]);
    assert.equal(failed["requestId"], answer.headers.get("x-request-id"));
  });
}

test("an error step may answer in place of the error; the log still has the error", async (t) => {
  const friendly = watPlugin(
    { name: "friendly", hooks: { error: { writes: ["respond", "response.headers"] } } },
    { error: [header("x-a", "1"), { type: "respond", status: 200, body: { sorry: true } }] },
  );
  const gateway = await startTestGateway(t, {
    plugins: { friendly, trapping, "error-trap": errorTrap },
    config: {
      ...open,
      gateway: {
        use: [{ plugin: "friendly" }, { plugin: "trapping" }, { plugin: "error-trap", order: 1 }],
      },
    },
  });
  const answer = await gateway.post("/v1/chat/completions", chat);
  assert.equal(answer.status, 200);
  assert.deepEqual(await answer.json(), { sorry: true });
  const line = await gateway.logged(({ code }) => code === "plugin_failed");
  assert.deepEqual([line["blame"], line["plugin"], line["route"]], ["plugin", "trapping", "chat"]);
  const samples = await scrape(gateway);
  assert.equal(total(samples, "sandgate_requests_total", { status: "200" }), 1);
  assert.equal(total(samples, "sandgate_plugin_calls_total", { plugin: "error-trap" }), 0);
});

test("completion steps run after every answer, good or bad, and their failure changes none", async (t) => {
  const reads = ["response.status", "response.usage", "error", "context.route"];
  const last = watPlugin(
    { name: "last", hooks: { post_request: { at: "completion", reads } } },
    { post_request: logging },
    inputWat,
  );
  const broken = watPlugin(
    { name: "broken", hooks: { post_request: { at: "completion" } } },
    { post_request: "unreachable" },
  );
  const gateway = await startTestGateway(t, {
    plugins: { last, broken },
    config: { ...open, gateway: { use: [{ plugin: "last" }, { plugin: "broken", order: 1 }] } },
  });
  for (const [path, status] of [
    ["/v1/chat/completions", 200],
    ["/nowhere", 404],
  ] as const) {
    const answer = await gateway.post(path, chat);
    assert.equal(answer.status, status);
    await answer.text();
    const id = answer.headers.get("x-request-id");
    const line = await gateway.logged((one) => one["requestId"] === id && one["plugin"] === "last");
    const { response, error, context } = JSON.parse(line.msg);
    assert.equal(response.status, status);
    assert.equal(error?.code, status === 404 ? "no_route" : undefined);
    assert.equal(context.route, status === 404 ? undefined : "chat");
    if (status === 200) assert.deepEqual(response.usage, { inputTokens: 2, outputTokens: 3 });
    await gateway.logged((one) => one["requestId"] === id && one["plugin"] === "broken");
  }
});
