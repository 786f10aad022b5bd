import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ConfigRefused } from "#host/gateway.ts";
import type { Effect } from "#sdk/abi/effects.ts";
import { startTestGateway } from "#test/harness.ts";
import { type HookBody, watPlugin } from "#test/wat-plugin.ts";
import { scrape, total } from "./metrics.ts";

const chat = { model: "mock", messages: [{ role: "user", content: "Hello" }] };
const identify = (consumer: string): Effect => ({ type: "identify", consumer });

/** Does this when the request has the header `x-NAME`, and nothing otherwise. */
function authenticator(name: string, effects: readonly Effect[]): Uint8Array {
  const output = JSON.stringify({ effects });
  // Without the header the input is `{"stage":"pre-request","request":{"headers":{}}}`.
  const does = `(if (i64.gt_u (call $input_length) (i64.const 48))
    (then (call $puts (i32.const 65536) (i32.const ${Buffer.byteLength(output)})))) (i32.const 0)`;
  return plugin(name, does, `(data (i32.const 65536) "${output.replaceAll('"', '\\"')}")`);
}

function plugin(name: string, does: HookBody, members = ""): Uint8Array {
  const hook = { reads: [`request.headers.x-${name}`], writes: ["identify", "respond", "tags"] };
  return watPlugin({ name, hooks: { pre_request: hook } }, { pre_request: does }, members);
}

/** Sets a header of the request, which the mock shows. */
const marking = (name: string) =>
  watPlugin(
    { name, hooks: { pre_request: { writes: ["request.headers"], priority: 1 } } },
    { pre_request: [{ type: "set-header", on: "request", name: `x-seen-${name}`, value: "1" }] },
  );

const config = {
  services: { mock: { provider: "mock" } },
  routes: { chat: { match: { paths: ["/v1/*"] }, service: "mock" } },
  consumerGroups: { gold: { use: [{ plugin: "for-gold" }] } },
  consumers: { alice: { groups: ["gold"], use: [{ plugin: "for-alice" }] }, bob: {} },
};
const marks = {
  "for-gold": marking("for-gold"),
  "for-alice": marking("for-alice"),
  "for-all": marking("for-all"),
};

async function start(t: TestContext, plugins: Record<string, Uint8Array>, options: object = {}) {
  const use = Object.keys(plugins).map((name, order) => ({ plugin: name, order, ...options }));
  const gateway = await startTestGateway(t, {
    plugins: { ...plugins, ...marks },
    config: { ...config, gateway: { use: [{ plugin: "for-all", order: -5 }, ...use] } },
  });
  /** Status, and which of the marking plugins ran. */
  const ask = async (headers: Record<string, string>) => {
    const answer = await gateway.post("/v1/chat/completions", chat, headers);
    const body = (await answer.json()) as { sandgate_mock?: { headers: Record<string, string> } };
    const seen = Object.keys(body.sandgate_mock?.headers ?? {}).filter((name) => name.startsWith("x-seen-"));
    return { status: answer.status, body, seen: seen.map((name) => name.slice(7)).sort() };
  };
  return { gateway, ask };
}

test("the first that identifies wins, later ones are not asked; groups and consumers then have their bindings", async (t) => {
  const { gateway, ask } = await start(t, {
    one: authenticator("one", [identify("alice")]),
    two: authenticator("two", [identify("bob")]),
  });
  const calls = async (name: string) =>
    total(await scrape(gateway), "sandgate_plugin_calls_total", { plugin: name });

  const alice = await ask({ "x-one": "1", "x-two": "1" });
  assert.deepEqual([alice.status, alice.seen], [200, ["for-alice", "for-all", "for-gold"]]);
  assert.deepEqual([await calls("one"), await calls("two")], [1, 0]);

  const bob = await ask({ "x-two": "1" });
  assert.deepEqual([bob.status, bob.seen], [200, ["for-all"]]);
  assert.deepEqual([await calls("one"), await calls("two")], [2, 1]);
});

test("when none identifies the answer is 401, and no other step runs", async (t) => {
  const { gateway, ask } = await start(t, { one: authenticator("one", [identify("alice")]) });
  const { status, body } = await ask({});
  assert.equal(status, 401);
  assert.deepEqual(body, {
    error: {
      message: "No valid credential: send your API key as a Bearer token.",
      type: "invalid_request_error",
      param: null,
      code: "unauthenticated",
    },
  });
  const samples = await scrape(gateway);
  assert.equal(total(samples, "sandgate_plugin_calls_total", { plugin: "for-all" }), 0);
  assert.equal(total(samples, "sandgate_requests_total", { route: "chat", status: "401" }), 1);
});

for (const [name, consumer, more] of [
  ["who is none", "mallory", []],
  ["who is a member of Object.prototype", "constructor", []],
  ["named __proto__", "__proto__", []],
  ["without a name", "", []],
  ["who is none, and answers", "mallory", [{ type: "respond", status: 200, body: "hello" }]],
] as const satisfies readonly (readonly [string, string, Effect[]])[]) {
  test(`an authenticator that identifies a consumer ${name} has failed`, async (t) => {
    const { gateway, ask } = await start(
      t,
      {
        one: authenticator("one", [identify(consumer), ...more]),
        two: authenticator("two", [identify("alice")]),
      },
      { onFailure: "open" },
    );
    const { status, body } = await ask({ "x-one": "1", "x-two": "1" });
    assert.equal(status, 500);
    assert.equal((body as { error?: { code?: string } }).error?.code, "plugin_failed");
    const line = await gateway.logged(({ code }) => code === "plugin_failed");
    assert.equal(line["cause"], `identified "${consumer}", who is no consumer of the config`);
    assert.deepEqual([line["plugin"], line["consumer"]], ["one", null]);
  });
}

test("an authenticator may answer by itself; nobody is identified then", async (t) => {
  const { ask } = await start(t, {
    one: authenticator("one", [{ type: "respond", status: 403, error: { message: "Not you." } }]),
    two: authenticator("two", [identify("alice")]),
  });
  const { status, body } = await ask({ "x-one": "1", "x-two": "1" });
  assert.equal(status, 403);
  assert.equal((body as { error?: { message?: string } }).error?.message, "Not you.");
});

test("one that fails open leaves the turn to the next, and lets nobody in by itself", async (t) => {
  const { ask } = await start(
    t,
    { one: plugin("one", "unreachable"), two: authenticator("two", [identify("bob")]) },
    { onFailure: "open" },
  );
  assert.equal((await ask({ "x-two": "1" })).status, 200);
  assert.equal((await ask({})).status, 401);
});

test("one that fails closed ends the request", async (t) => {
  const { ask } = await start(t, {
    one: plugin("one", "unreachable"),
    two: authenticator("two", [identify("bob")]),
  });
  assert.equal((await ask({ "x-two": "1" })).status, 500);
});

test("effects of an authenticator that does not identify stay", async (t) => {
  const { ask } = await start(t, {
    one: plugin("one", [{ type: "tag", name: "a", value: "b" }]),
    two: authenticator("two", [identify("bob")]),
  });
  assert.equal((await ask({ "x-two": "1" })).status, 200);
});

test("a hook after pre_request that writes identify is refused at start", async (t) => {
  const late = watPlugin(
    { name: "late", hooks: { post_request: { writes: ["identify"] } } },
    { post_request: [identify("alice")] },
  );
  const starting = startTestGateway(t, {
    plugins: { late, ...marks },
    config: { ...config, gateway: { use: [{ plugin: "late" }] } },
  });
  await assert.rejects(
    starting,
    (thrown) =>
      thrown instanceof ConfigRefused &&
      /gateway\.yaml:\d+:\d+ gateway\.use\.0\.plugin: .* writes identify, which only pre_request can$/.test(
        thrown.message,
      ),
  );
});

test("one that only observes identifies nobody; alone on a route it would shut it, and is refused at start", async (t) => {
  const plugins = {
    one: authenticator("one", [identify("alice")]),
    two: authenticator("two", [identify("bob")]),
    ...marks,
  };
  const tried = { plugin: "one", effect: "observe" };
  const configOf = (...use: object[]) => ({ ...config, gateway: { use } });
  const gateway = await startTestGateway(t, { plugins, config: configOf(tried, { plugin: "two" }) });
  const statusFor = async (headers: Record<string, string>) =>
    (await gateway.post("/v1/chat/completions", chat, headers)).status;
  assert.equal(await statusFor({ "x-one": "1" }), 401);
  assert.equal(await statusFor({ "x-one": "1", "x-two": "1" }), 200);

  await assert.rejects(
    startTestGateway(t, { plugins, config: configOf(tried) }),
    /gateway\.yaml:\d+:\d+ gateway\.use\.0\.effect: only observes, so nobody is ever identified on the route "chat"/,
  );
});
