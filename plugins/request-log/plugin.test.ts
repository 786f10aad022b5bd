import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  type Given,
  type OpenOptions,
  type OpenPlugin,
  openPlugin,
  PluginRefused,
} from "@sandgate/plugin-sdk/testing";
import { GatewayError } from "#host/errors.ts";

const file = join(import.meta.dirname, "../request-log.wasm");

type Case = {
  readonly name: string;
  readonly config?: OpenOptions["config"];
  readonly given: Given;
  readonly level?: string;
  readonly msg?: string;
  readonly data: Readonly<Record<string, unknown>>;
};

const always = { method: "POST", path: "/v1/chat/completions" };
const answered: Given = {
  url: "/v1/chat/completions?key=secret",
  headers: { authorization: "Bearer sk-alice-1", "user-agent": "sdk/1", "x-trace": "t" },
  body: '{"model":"m","messages":[{"role":"user","content":"secret"}]}',
  route: "chat",
  service: "demo",
  consumer: "alice",
  tags: { team: "search", verdict: "clean" },
  usage: { inputTokens: 12, outputTokens: 34 },
  response: { status: 200 },
};
const answeredData = {
  ...always,
  route: "chat",
  service: "demo",
  consumer: "alice",
  model: "m",
  status: 200,
  inputTokens: 12,
  outputTokens: 34,
};

const cases: readonly Case[] = [
  { name: "a request that was answered", given: answered, data: answeredData },
  {
    name: "a request of which nothing is known",
    given: { response: { status: 404 } },
    data: { ...always, status: 404 },
  },
  {
    name: "a request that failed",
    given: {
      route: "chat",
      response: { status: 502 },
      error: new GatewayError("upstream_invalid", "The upstream sent no JSON.", {
        upstreamStatus: 200,
        plugin: "p",
      }),
    },
    msg: "request failed",
    data: {
      ...always,
      route: "chat",
      status: 502,
      errorCode: "upstream_invalid",
      blame: "upstream",
      errorMessage: "The upstream sent no JSON.",
      plugin: "p",
      upstreamStatus: 200,
    },
  },
  {
    name: "a client that left before there was an answer",
    given: { error: new GatewayError("client_closed", "The client closed the request.") },
    msg: "request failed",
    data: {
      ...always,
      status: 499,
      errorCode: "client_closed",
      blame: "client",
      errorMessage: "The client closed the request.",
    },
  },
  {
    name: "config: level, tags and headers that are there, whatever the case of their names",
    config: { level: "warn", tags: ["team", "absent"], headers: ["User-Agent", "x-absent"] },
    given: answered,
    level: "warn",
    data: { ...answeredData, tags: { team: "search" }, headers: { "user-agent": "sdk/1" } },
  },
  {
    name: "config: names that objects inherit are absent",
    config: { tags: ["constructor", "__proto__", "toString"], headers: ["constructor", "valueof"] },
    given: answered,
    data: { ...answeredData, tags: {}, headers: {} },
  },
  {
    name: "config: names that objects inherit can be there",
    config: { tags: ["constructor"], headers: ["constructor"] },
    given: { headers: { constructor: "h" }, tags: { constructor: "t" }, response: { status: 200 } },
    data: { ...always, status: 200, tags: { constructor: "t" }, headers: { constructor: "h" } },
  },
  {
    name: "a model that is no text",
    given: { body: '{"model":{"a":["b"]}}', response: { status: 400 } },
    data: { ...always, status: 400 },
  },
  {
    name: "long texts are cut",
    config: { headers: ["user-agent"] },
    given: {
      url: `/${"p".repeat(5_000)}`,
      body: JSON.stringify({ model: "\u{1f600}".repeat(5_000) }),
      headers: { "user-agent": "u".repeat(10_000) },
      response: { status: 200 },
    },
    data: {
      method: "POST",
      path: `/${"p".repeat(511)}\u2026`,
      model: `${"\u{1f600}".repeat(256)}\u2026`,
      status: 200,
      headers: { "user-agent": `${"u".repeat(512)}\u2026` },
    },
  },
  {
    name: "characters that could forge a line or turn it around are escaped",
    config: { headers: ["user-agent"], tags: ["t"] },
    given: {
      headers: { "user-agent": '"}\n{"level":"fatal"}' },
      tags: { t: "\u2028\u202eabc\u0000\u007f\u009b\ud800 \u65e5\u672c" },
      response: { status: 200 },
    },
    data: {
      ...always,
      status: 200,
      tags: { t: "\\u2028\\u202eabc\\u0000\\u007f\\u009b\ud800 \u65e5\u672c" },
      headers: { "user-agent": '"}\\n{"level":"fatal"}' },
    },
  },
];

for (const { name, config = {}, given, level = "info", msg = "request completed", data } of cases) {
  test(name, async (t) => {
    const plugin = await openPlugin(file, { config });
    t.after(plugin.close);
    const { effects, log, exchange } = await plugin.call("post_request", given);
    assert.deepEqual(effects, []);
    assert.equal(log.length, 1);
    const [line] = log;
    const { durationMs, ...rest } = (line?.data ?? {}) as { durationMs?: number };
    assert.ok(durationMs !== undefined && durationMs > 0);
    assert.deepEqual(
      { level: line?.level, msg: line?.msg, ...rest },
      { level, msg, requestId: exchange.id, ...data },
    );
  });
}

test("the longest line that a client and other plugins can cause is one whole line", async (t) => {
  const names = Array.from({ length: 20 }, (_, index) => `x-${index}`);
  const plugin = await openPlugin(file, { config: { headers: names, tags: names } });
  t.after(plugin.close);
  const { log } = await plugin.call("post_request", {
    url: `/${"p".repeat(8_000)}`,
    headers: Object.fromEntries(names.map((name) => [name, "\u00ff".repeat(1_500)])),
    tags: Object.fromEntries(names.map((name) => [name, "\u65e5".repeat(1_024)])),
    body: JSON.stringify({ model: "\u65e5".repeat(10_000) }),
    error: new GatewayError("internal", "\u65e5".repeat(10_000)),
  });
  assert.equal(log.length, 1);
  assert.equal(Object.keys((log[0]?.data as { headers: object } | undefined)?.headers ?? {}).length, 20);
});

for (const name of [
  "Authorization",
  "proxy-authorization",
  "Cookie",
  "set-cookie",
  "x-api-key",
  "api-key",
  "x-goog-api-key",
  "apikey",
  "x-auth",
  "x-auth-token",
  "x-amz-security-token",
  "x-client-secret",
  "x-password",
  "x-csrf-token",
  "x-hub-signature-256",
  "x-jwt-assertion",
  "x-session",
  "x_api_key",
]) {
  test(`refused: the header ${name}, which may hold a credential`, async () => {
    await assert.rejects(openPlugin(file, { config: { headers: ["user-agent", name] } }), {
      name: "PluginRefused",
      message: `config: the plugin "request-log" refuses this config: headers: ${name} may hold a credential, which no log should have`,
    });
  });
}

const refused: readonly (readonly [NonNullable<OpenOptions["config"]>, string | RegExp])[] = [
  [{ level: "warning" }, /^config\.level: must be one of .* did you mean "warn"\?$/],
  [{ tag: [] }, 'config.tag: unknown key, did you mean "tags"?'],
  [{ tags: [""] }, "config.tags.0: must NOT have fewer than 1 characters"],
  [{ headers: ["a", "a"] }, /^config\.headers: must NOT have duplicate items/],
  [
    { headers: Array.from({ length: 21 }, (_, index) => `x-${index}`) },
    "config.headers: must NOT have more than 20 items",
  ],
  [{ constructor: 1 }, "config.constructor: unknown key"],
];

for (const [config, problem] of refused) {
  test(`refused: config ${JSON.stringify(config).slice(0, 60)}`, async () => {
    await assert.rejects(openPlugin(file, { config }), (thrown) => {
      assert.ok(thrown instanceof PluginRefused);
      if (typeof problem === "string") assert.equal(thrown.message, problem);
      else assert.match(thrown.message, problem);
      return true;
    });
  });
}

for (const state of ["request", "instance"] as const) {
  test(`state ${state}: a line says nothing of another request, before it or beside it`, async (t) => {
    const plugin = await openPlugin(file, {
      config: { tags: ["team"], headers: ["user-agent"] },
      state,
    });
    t.after(plugin.close);
    const bare: Given = { response: { status: 204 } };
    const lineOf = async (given: Given) => {
      const [line] = (await plugin.call("post_request", given)).log;
      const { requestId, durationMs, ...rest } = (line?.data ?? {}) as Record<string, unknown>;
      assert.equal(typeof requestId, "string");
      assert.equal(typeof durationMs, "number");
      return rest;
    };
    const bareLine = { ...always, status: 204, tags: {}, headers: {} };
    const fullLine = { ...answeredData, tags: { team: "search" }, headers: { "user-agent": "sdk/1" } };
    for (const [given, line] of [
      [answered, fullLine],
      [bare, bareLine],
      [answered, fullLine],
    ] as const) {
      assert.deepEqual(await lineOf(given), line);
    }
    const beside = await Promise.all([answered, bare, bare, answered].map(lineOf));
    assert.deepEqual(beside, [fullLine, bareLine, bareLine, fullLine]);
  });
}

let plugin: OpenPlugin;
before(async () => {
  plugin = await openPlugin(file);
});
after(() => plugin.close());

for (const [name, given, fuel] of [
  ["a request that was answered", answered, 1_000_000],
  ["10,000 bytes of headers", { ...answered, headers: { "x-a": "x".repeat(10_000) } }, 2_000_000],
] as const) {
  test(`${name} costs at most ${fuel} fuel`, async () => {
    const { fuel: used } = await plugin.call("post_request", given);
    assert.ok(used <= fuel, `${used} fuel`);
  });
}
