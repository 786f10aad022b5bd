import assert from "node:assert/strict";
import { test } from "node:test";
import { type Body, type Exchange, noBody, withAskedHeaders } from "#host/exchange.ts";
import { applyEffects } from "#host/pipeline/effects.ts";
import { StepFailure } from "#host/pipeline/step-failure.ts";
import type { Effect } from "#sdk/abi/effects.ts";
import { exchangeOf, type Given } from "#test/pipeline/exchange.ts";

const given: Given = { url: "/v1/chat?a=1&b=2", headers: { "x-team": "search" }, body: '{"model":"gpt"}' };
const answered: Given = {
  ...given,
  response: {
    headers: { "content-type": "application/json", "content-length": "9", etag: '"1"', "x-many": ["a", "b"] },
    body: { kind: "bytes", bytes: Buffer.from('{"a":[1]}'), json: { a: [1] } },
  },
};

function applied(effects: readonly Effect[], start: Given = given): Exchange {
  const exchange = exchangeOf(start);
  applyEffects(effects, exchange);
  return exchange;
}

/** Why the effects are refused; the exchange is then as it was before. */
function refusalOf(effects: readonly Effect[], start: Given = given): string {
  const exchange = exchangeOf(start);
  const before = { ...exchange };
  try {
    applyEffects(effects, exchange);
  } catch (thrown) {
    assert.ok(thrown instanceof StepFailure, String(thrown));
    assert.equal(thrown.outcome, "error");
    assert.deepEqual(exchange, before);
    return thrown.message;
  }
  return "nothing is refused";
}

const requestHeader = (name: string, value: string): Effect => ({
  type: "set-header",
  on: "request",
  name,
  value,
});
const responseHeader = (name: string, value: string): Effect => ({
  type: "set-header",
  on: "response",
  name,
  value,
});

test("request headers are set and removed by any spelling of their name", () => {
  const { request } = applied([
    requestHeader("X-Team", "ads"),
    requestHeader("X-New", "ü\t~"),
    requestHeader("__proto__", "p"),
    { type: "remove-header", on: "request", name: "Content-Type" },
    { type: "remove-header", on: "request", name: "x-absent" },
  ]);
  assert.deepEqual(Object.entries(request.headers), [
    ["x-team", "ads"],
    ["x-new", "ü\t~"],
    ["__proto__", "p"],
  ]);
});

test("response headers are changed on the response, and kept for one that is still to come", () => {
  const effects: Effect[] = [
    responseHeader("X-Many", "one"),
    { type: "remove-header", on: "response", name: "etag" },
  ];
  const { response } = applied(effects, answered);
  assert.equal(response?.headers["x-many"], "one");
  assert.ok(!Object.hasOwn(response?.headers ?? {}, "etag"));

  const early = applied(effects);
  assert.equal(early.response, null);
  const late = withAskedHeaders(early, { status: 200, headers: { etag: "1", a: "b" }, body: noBody });
  assert.deepEqual({ ...late.headers }, { a: "b", "x-many": "one" });
});

for (const name of [
  "Connection",
  "content-length",
  "Date",
  "keep-alive",
  "server-timing",
  "te",
  "trailer",
  "Transfer-Encoding",
  "upgrade",
  "X-Request-Id",
]) {
  test(`${name} is the host's own`, () => {
    const message = `(set-header): only the host sets ${name.toLowerCase()}`;
    assert.equal(refusalOf([requestHeader(name, "1")]), `output/effects/0 ${message}`);
    assert.equal(refusalOf([responseHeader(name, "1")]), `output/effects/0 ${message}`);
    assert.match(refusalOf([{ type: "remove-header", on: "response", name }]), /only the host sets/);
    assert.match(
      refusalOf([{ type: "respond", status: 200, headers: { [name]: "1" } }]),
      /only the host sets/,
    );
  });
}

for (const value of [
  "a\r\nb: c",
  "a\nb",
  "a\rb",
  "a\0b",
  "a\u007fb",
  "a\u001bb",
  "\u0100",
  "\u{1f600}",
  "a\u2028b",
]) {
  test(`a header value with ${JSON.stringify(value)} is refused`, () => {
    const message = "the value of x-a has characters that no header may have";
    assert.equal(refusalOf([requestHeader("x-a", value)]), `output/effects/0 (set-header): ${message}`);
    assert.equal(refusalOf([responseHeader("x-a", value)]), `output/effects/0 (set-header): ${message}`);
    const respond: Effect = { type: "respond", status: 200, headers: { "x-a": value } };
    assert.equal(refusalOf([respond]), `output/effects/0 (respond): ${message}`);
  });
}

for (const [query, effect, changed] of [
  ["", { type: "set-query", name: "a", value: "1" }, "?a=1"],
  ["?a=1&b=2&a=3", { type: "set-query", name: "a", value: "4" }, "?b=2&a=4"],
  ["?a=1&b=2&a=3", { type: "remove-query", name: "a" }, "?b=2"],
  ["?a=1", { type: "remove-query", name: "a" }, ""],
  ["?a=1", { type: "remove-query", name: "b" }, "?a=1"],
  ["?%61=1&b=2", { type: "remove-query", name: "a" }, "?b=2"],
  // What nobody asked to change stays as the client wrote it.
  [
    "?q=a%20b+c&flag&x=%zz&$f=(1)&r=?",
    { type: "set-query", name: "n", value: "1" },
    "?q=a%20b+c&flag&x=%zz&$f=(1)&r=?&n=1",
  ],
  ["??a=1&a=2", { type: "remove-query", name: "a" }, "??a=1"],
  // And nothing that is set gets out of its parameter.
  ["?a=1", { type: "set-query", name: "x&y=", value: "1&a=2#f" }, "?a=1&x%26y%3D=1%26a%3D2%23f"],
  ["", { type: "set-query", name: "ü", value: "a b+c\r\n\ud800" }, "?%C3%BC=a%20b%2Bc%0D%0A%EF%BF%BD"],
] as const satisfies readonly (readonly [string, Effect, string])[]) {
  test(`the query ${query || "(none)"} with ${effect.type} ${JSON.stringify(effect.name)} is ${changed || "(none)"}`, () => {
    assert.equal(applied([effect], { url: `/v1/chat${query}` }).request.query, changed);
  });
}

test("a query that is longer than all headers may be is refused", () => {
  const value = "x".repeat(32 * 1024);
  assert.equal(
    refusalOf([{ type: "set-query", name: "a", value }]),
    "output/effects/0 (set-query): the query would have more than 32768 bytes",
  );
});

for (const path of ["/", "/v1/models", "/v1/a:b/%C3%BC", "/v1/a..b", "/v1/%20"]) {
  test(`the path may become ${path}`, () => {
    assert.equal(applied([{ type: "set-path", path }]).request.path, path);
  });
}

for (const path of [
  "//evil.example/x",
  "/v1/../admin",
  "/v1/..",
  "/v1/.;/x",
  "/v1/%2e%2e/admin",
  "/v1/%2E./x",
  "/v1/a%2Fb",
  "/v1/a%5cb",
  "/v1/a\\b",
  "/v1/a%00",
  "/v1/a%",
  "/v1/a?b=c",
  "/v1/a#b",
  "/v1/a b",
  "/v1/a\r\nhost: evil",
  "/v1/ü",
  "/v1/%C0%AE",
]) {
  test(`the path may not become ${JSON.stringify(path)}`, () => {
    const message = "output/effects/0 (set-path): the path is ambiguous or malformed";
    assert.equal(refusalOf([{ type: "set-path", path }]), message);
  });
}

test("a path of 8 KiB and one is refused", () => {
  assert.match(refusalOf([{ type: "set-path", path: `/${"x".repeat(8 * 1024)}` }]), /more than 8192 bytes$/);
});

test("a string is a text, any other value JSON, each with its content type", () => {
  const replaced = (body: Extract<Effect, { type: "replace-body" }>["body"]) => {
    const { request } = applied([{ type: "replace-body", on: "request", body }]);
    return [request.body, request.headers["content-type"]];
  };
  const json = "application/json; charset=utf-8";
  assert.deepEqual(replaced("hello"), [{ kind: "text", text: "hello" }, "text/plain; charset=utf-8"]);
  for (const value of [null, false, 0, [], { a: 1 }])
    assert.deepEqual(replaced(value), [{ kind: "json", json: value }, json]);
});

test("a response whose body is replaced loses what was true of the other", () => {
  const { response } = applied([{ type: "replace-body", on: "response", body: { b: 2 } }], answered);
  assert.deepEqual(response?.body, { kind: "json", json: { b: 2 } });
  assert.deepEqual(
    { ...response?.headers },
    {
      "content-type": "application/json; charset=utf-8",
      "x-many": ["a", "b"],
    },
  );
});

test("the body of a stream cannot be replaced, nor that of no response", () => {
  const body: Body = { kind: "stream", chunks: (async function* () {})() };
  const replace: Effect = { type: "replace-body", on: "response", body: 1 };
  assert.match(refusalOf([replace], { ...given, response: { body } }), /the answer is an event stream/);
  assert.match(refusalOf([replace]), /there is no response$/);
});

const patchOf = (on: "request" | "response"): Effect => ({
  type: "patch-body",
  on,
  patch: [{ op: "add", path: "/n", value: 1 }],
});

for (const [kind, body, patched] of [
  ["bytes that are JSON", { kind: "bytes", bytes: Buffer.from('{"a":1}'), json: { a: 1 } }, { a: 1, n: 1 }],
  ["JSON", { kind: "json", json: { a: 1 } }, { a: 1, n: 1 }],
  ["bytes that are no JSON", { kind: "bytes", bytes: Buffer.from("x"), json: undefined }, null],
  ["text", { kind: "text", text: '{"a":1}' }, null],
  ["none", { kind: "none" }, null],
  ["a stream", { kind: "stream", chunks: (async function* () {})() }, null],
] as const satisfies readonly (readonly [string, Body, object | null])[]) {
  test(`a patch against a body that is ${kind}`, () => {
    const start: Given = { ...given, response: { body } };
    if (patched === null) {
      assert.match(refusalOf([patchOf("response")], start), /\(patch-body\): the response has no JSON body$/);
    } else {
      assert.deepEqual(applied([patchOf("response")], start).response?.body, { kind: "json", json: patched });
    }
  });
}

test("a patch sees what the effects before it made of the body", () => {
  const { request } = applied([
    { type: "replace-body", on: "request", body: { a: 1 } },
    patchOf("request"),
    { type: "patch-body", on: "request", patch: [{ op: "test", path: "/n", value: 1 }] },
  ]);
  assert.deepEqual(request.body, { kind: "json", json: { a: 1, n: 1 } });
});

test("all or none: one that cannot be applied leaves nothing of those before it", () => {
  const good: Effect[] = [
    requestHeader("x-team", "ads"),
    { type: "set-path", path: "/other" },
    { type: "set-query", name: "a", value: "9" },
    { type: "replace-body", on: "request", body: 1 },
    { type: "tag", name: "__proto__", value: "b" },
    { type: "identify", consumer: "alice" },
    responseHeader("x-a", "b"),
    { type: "respond", status: 200 },
  ];
  const bad: Effect = { type: "patch-body", on: "request", patch: [{ op: "remove", path: "/absent" }] };
  assert.match(refusalOf([...good, bad]), /^output\/effects\/8 \(patch-body\): /);
  const { tags, consumer } = applied(good);
  assert.deepEqual(Object.entries(tags), [["__proto__", "b"]]);
  assert.equal(consumer, "alice");
});
