import assert from "node:assert/strict";
import { test } from "node:test";
import { GatewayError } from "#host/errors.ts";
import { readInput } from "#host/pipeline/read-input.ts";
import { exchangeOf, type Given } from "#test/pipeline/exchange.ts";
import { stepOf } from "./step.ts";

/** The input of a post_request hook that reads this, without the stage. */
function inputOf(reads: readonly string[], given: Given): unknown {
  const { stage, ...input } = JSON.parse(readInput(stepOf("post_request", { reads }), exchangeOf(given)));
  assert.equal(stage, "post-request");
  return input;
}

const given: Given = {
  url: "/v1/chat?a=1&a=2&b=%C3%BC+x&flag&=nameless",
  headers: { "x-team": "search", accept: "a, b" },
  body: '{"model":"gpt","user":{"id":7,"~a/b":"tilde"},"messages":[{"role":"user"}],"none":null}',
  response: {
    status: 201,
    headers: { "x-one": "1", "x-many": ["a", "b"] },
    body: { kind: "json", json: { answer: [1] } },
  },
  error: new GatewayError("upstream_reset", "It broke.", { upstreamStatus: 500, cause: new Error("secret") }),
  id: "request-id",
  route: "chat",
  service: "demo",
  consumer: "alice",
  tags: { team: "search" },
  usage: { inputTokens: 3, outputTokens: 4 },
};

const request = {
  method: "POST",
  path: "/v1/chat",
  query: { a: "1", b: "ü x", flag: "", "": "nameless" },
  headers: { "x-team": "search", accept: "a, b", "content-type": "application/json" },
  body: JSON.parse(given.body ?? ""),
};
const response = {
  status: 201,
  headers: { "x-one": "1", "x-many": "a, b" },
  body: { answer: [1] },
  usage: given.usage,
};
const error = {
  code: "upstream_reset",
  status: 502,
  blame: "upstream",
  message: "It broke.",
  upstreamStatus: 500,
};
const messages = [{ role: "user" }];

for (const [reads, input] of [
  [[], {}],
  [["request"], { request }],
  [["request.method"], { request: { method: "POST" } }],
  [["request.path"], { request: { path: "/v1/chat" } }],
  [["request.query"], { request: { query: request.query } }],
  [["request.headers"], { request: { headers: request.headers } }],
  [["request.headers.x-team"], { request: { headers: { "x-team": "search" } } }],
  [["request.body"], { request: { body: request.body } }],
  [["request.body#/model"], { request: { body: { model: "gpt" } } }],
  [["request.body#/user/id"], { request: { body: { user: { id: 7 } } } }],
  [["request.body#/user/~0a~1b"], { request: { body: { user: { "~a/b": "tilde" } } } }],
  [["request.body#/none"], { request: { body: { none: null } } }],
  [["response"], { response }],
  [["response.status"], { response: { status: 201 } }],
  [["response.headers"], { response: { headers: response.headers } }],
  [["response.headers.x-many"], { response: { headers: { "x-many": "a, b" } } }],
  [["response.body"], { response: { body: { answer: [1] } } }],
  [["response.usage"], { response: { usage: given.usage } }],
  [["error"], { error }],
  [["context.requestId"], { context: { requestId: "request-id" } }],
  [["context.service"], { context: { service: "demo" } }],
  [["context.route"], { context: { route: "chat" } }],
  [["context.consumer"], { context: { consumer: "alice" } }],
  [["context.groups"], { context: { groups: [] } }],
  [["context.tags"], { context: { tags: { team: "search" } } }],
  // Several entries fill one part, whatever their order.
  [["request.method", "request.path"], { request: { method: "POST", path: "/v1/chat" } }],
  [
    ["request.body#/user/id", "request.body#/model", "request.body#/messages"],
    { request: { body: { user: { id: 7 }, model: "gpt", messages } } },
  ],
  [["request.body#/user", "request.body#/user/id"], { request: { body: { user: request.body.user } } }],
  [["request.body#/user/id", "request.body#/user"], { request: { body: { user: request.body.user } } }],
  [["request.body", "request.body#/user/id"], { request: { body: request.body } }],
  [["request.body#/user/id", "request.body"], { request: { body: request.body } }],
  [["request.body#/model", "request"], { request }],
  [["request.headers.x-team", "request.headers"], { request: { headers: request.headers } }],
  [["response.headers.x-one", "response.headers"], { response: { headers: response.headers } }],
  // What is not there is absent.
  [["request.headers.x-absent"], { request: { headers: {} } }],
  [["request.body#/absent"], { request: {} }],
  [["request.body#/model/absent"], { request: {} }],
  [["request.body#/none/absent"], { request: {} }],
  [["request.body#/messages/0"], { request: {} }],
  [["request.body#/messages/length"], { request: {} }],
  [["request.body#/toString"], { request: {} }],
  [["request.body#/__proto__"], { request: {} }],
  [["request.body#/constructor/name"], { request: {} }],
  [["context.absent"], {}],
  // Members of Object.prototype: a manifest may name them, and they are no parts of an exchange.
  [["context.hasOwnProperty", "context.valueOf", "context.constructor"], {}],
] as const) {
  test(`reads ${JSON.stringify(reads)}`, () => assert.deepEqual(inputOf(reads, given), input));
}

test("context as a whole has every member that is known", () => {
  const { context } = inputOf(["context"], given) as { context: Record<string, unknown> };
  const { durationMs, ...rest } = context;
  assert.ok(typeof durationMs === "number" && durationMs >= 0 && durationMs < 60_000);
  assert.deepEqual(rest, {
    requestId: "request-id",
    service: "demo",
    route: "chat",
    consumer: "alice",
    groups: [],
    attempt: 0,
    targets: [],
    tags: { team: "search" },
  });
});

test("of an exchange at its start, parts that are not there yet are absent", () => {
  const reads = ["request.body", "response", "error", "context.route", "context.consumer", "response.usage"];
  assert.deepEqual(inputOf(reads, {}), { request: {}, context: {} });
});

test("an upload has no body, a body that a plugin made text is the text", () => {
  const exchange = exchangeOf({ headers: { "content-type": "image/png" }, body: "\u0089PNG" });
  const step = stepOf("pre_request", { reads: ["request.body", "request.body#/model"] });
  assert.deepEqual(JSON.parse(readInput(step, exchange)), { stage: "pre-request", request: {} });
  exchange.request = { ...exchange.request, body: { kind: "text", text: "hello" } };
  assert.deepEqual(JSON.parse(readInput(step, exchange)).request, { body: "hello" });
});

test("members and headers named __proto__ are members and headers", () => {
  const headers = JSON.parse('{"__proto__":"h","constructor":"c"}');
  const exchange = exchangeOf({ body: '{"__proto__":{"__proto__":1}}', url: "/?__proto__=q" });
  exchange.request = { ...exchange.request, headers };
  const text = (reads: string[]) => readInput(stepOf("pre_request", { reads }), exchange);
  const stage = '{"stage":"pre-request","request":';
  assert.equal(text(["request.headers"]), `${stage}{"headers":{"__proto__":"h","constructor":"c"}}}`);
  assert.equal(text(["request.headers.constructor"]), `${stage}{"headers":{"constructor":"c"}}}`);
  assert.equal(text(["request.query"]), `${stage}{"query":{"__proto__":"q"}}}`);
  assert.equal(
    text(["request.body#/__proto__/__proto__"]),
    `${stage}{"body":{"__proto__":{"__proto__":1}}}}`,
  );
  assert.equal(({} as Record<string, unknown>)["h"], undefined);
});

const credentials = [
  "authorization",
  "proxy-authorization",
  "x-api-key",
  "x-goog-api-key",
  "api-key",
  "cookie",
];
const withCredentials: Given = {
  url: "/v1beta/models?key=K&alt=sse&%6bey=K&KEY=K&api_key=K&api-key=K&access_token=K&oauth_token=K",
  headers: { ...Object.fromEntries(credentials.map((name) => [name, "K"])), accept: "all" },
};

for (const reads of [["request"], ["request.headers", "request.query"]]) {
  test(`reads ${JSON.stringify(reads)} deliver no credential`, () => {
    const { request: seen } = inputOf(reads, withCredentials) as { request: Record<string, unknown> };
    assert.deepEqual(seen["headers"], { accept: "all" });
    assert.deepEqual(seen["query"], { alt: "sse" });
  });
}

for (const name of credentials) {
  test(`request.headers.${name} delivers it, alone and beside the others`, () => {
    const one = `request.headers.${name}`;
    assert.deepEqual(inputOf([one], withCredentials), { request: { headers: { [name]: "K" } } });
    const both = { request: { headers: { accept: "all", [name]: "K" } } };
    assert.deepEqual(inputOf([one, "request.headers"], withCredentials), both);
    assert.deepEqual(inputOf(["request.headers", one], withCredentials), both);
  });
}
