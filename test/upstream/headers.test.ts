import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { requestHeaders } from "#host/upstream/forward-headers.ts";
import { ask, chat, failureOf, openBench, readAll, targetKey } from "./exchange.ts";

const clientKey = "sk-consumer-alice";

test("what proves or betrays the consumer, and what is of the connection, never reaches the upstream", async (t) => {
  const { fake, upstream } = await openBench(t);
  const secret = Object.fromEntries(
    [
      "authorization",
      "proxy-authorization",
      "x-api-key",
      "api-key",
      "x-goog-api-key",
      "cookie",
      "x-forwarded-for",
      "x-forwarded-anything",
      "forwarded",
      "via",
      "x-real-ip",
      "true-client-ip",
      "cf-connecting-ip",
      "keep-alive",
      "te",
      "trailer",
      "transfer-encoding",
      "upgrade",
      "expect",
      "proxy-connection",
      "http2-settings",
      "if-none-match",
      "x-foo",
      "x-bar",
    ].map((name) => [name, clientKey]),
  );
  const kept = {
    "content-type": "application/json",
    "anthropic-version": "2026-10-21",
    "anthropic-beta": "a,b",
    "user-agent": "OpenAI/JS 7.57.0",
    "x-stainless-lang": "js",
    accept: "application/json",
  };
  const headers = {
    ...secret,
    ...kept,
    connection: "close, X-Foo,  x-bar , content-length",
    "accept-encoding": "br",
    host: "gateway.example",
    "content-length": "7",
  };
  await readAll(
    await upstream
      .attempt()
      .forward(ask("/v1/chat/completions", { json: chat, headers, query: `?key=${clientKey}` })),
  );
  const [received] = fake.received;
  assert.deepEqual(received?.headers, {
    ...kept,
    authorization: `Bearer ${targetKey}`,
    connection: "keep-alive",
    "content-length": String(Buffer.byteLength(JSON.stringify(chat))),
    host: fake.url.slice("http://".length),
  });
  assert.doesNotMatch(`${JSON.stringify(received?.headers)}${received?.url}`, /alice/);
});

test("a connection option cannot take the gateway's own credential away", async (t) => {
  const { fake, upstream } = await openBench(t);
  const headers = { connection: "authorization, host, content-type" };
  await readAll(await upstream.attempt().forward(ask("/v1/models", { headers })));
  assert.equal(fake.received[0]?.headers.authorization, `Bearer ${targetKey}`);
});

test("a header may have the name of a member of every object", () => {
  const headers = Object.fromEntries([
    ["__proto__", "a"],
    ["constructor", "b"],
    ["connection", "toString"],
    ["tostring", "c"],
  ]);
  assert.deepEqual(Object.entries(requestHeaders(headers)), [
    ["__proto__", "a"],
    ["constructor", "b"],
  ]);
});

test("whatever a client names in connection is not forwarded", () => {
  const name = fc.stringMatching(/^[a-z-]{1,8}$/);
  fc.assert(
    fc.property(fc.array(name), fc.array(name), (options, names) => {
      const headers = {
        ...Object.fromEntries(names.map((one) => [one, "1"])),
        connection: options.join(" ,").toUpperCase(),
      };
      const forwarded = Object.keys(requestHeaders(headers));
      assert.ok(forwarded.every((one) => !options.includes(one)));
    }),
  );
});

for (const query of [
  `?key=${clientKey}`,
  `?%6bey=${clientKey}`,
  `?KEY=${clientKey}`,
  `?k%65y=${clientKey}`,
  `?access_token=${clientKey}`,
  `?api-key=${clientKey}&api_key=${clientKey}`,
  `?key=${clientKey}&key=${clientKey}`,
]) {
  test(`a key in the query is the gateway's alone: ${query}`, async (t) => {
    const { fake, upstream } = await openBench(t);
    await readAll(await upstream.attempt().forward(ask("/v1/models", { query })));
    assert.equal(fake.received[0]?.url, "/v1/models");
  });
}

for (const [query, left] of [
  [`?alt=sse&key=${clientKey}&x=%41&&monkey=1&keys=2&a[key]=3`, "?alt=sse&x=%41&&monkey=1&keys=2&a[key]=3"],
  ["?a?b=c?d", "?a?b=c?d"],
  ["?", "?"],
  ["?%zz=1", "?%zz=1"],
] as const) {
  test(`what else a query says stays as it is: ${query}`, async (t) => {
    const { fake, upstream } = await openBench(t);
    await readAll(await upstream.attempt().forward(ask("/v1/models", { query })));
    assert.equal(fake.received[0]?.url, `/v1/models${left}`);
  });
}

for (const [path, query = ""] of [
  ["/../admin"],
  ["/v1/../../admin"],
  ["/v1/%2e%2e/admin"],
  ["/v1/..;/admin"],
  ["/v1//admin"],
  ["/v1/%2fadmin"],
  ["/v1\\admin"],
  ["/v1/%c0%ae"],
  ["/v1/a b"],
  ["/v1/a\r\nx: y"],
  ["/v1/a?b"],
  ["/v1/a#b"],
  ["/v1/%"],
  ["/v1/ü"],
  ["v1/models"],
  ["http://169.254.169.254/"],
  [""],
  ["/v1/models", "?a b"],
  ["/v1/models", "?a\r\nx: y"],
  ["/v1/models", "?a#b"],
  ["/v1/models", "a=b"],
  ["/v1/models", "?ü"],
  ["/v1/models", "?a\n"],
] as const) {
  test(`invalid_request, and nothing sent: ${JSON.stringify(path + query)}`, async (t) => {
    const { fake, upstream } = await openBench(t);
    const error = await failureOf(upstream.attempt().forward(ask(path, { query })));
    assert.equal(error.code, "invalid_request");
    assert.equal(fake.received.length, 0);
  });
}

for (const method of ["TRACE", "CONNECT"]) {
  test(`method_not_allowed, and nothing sent: ${method}, which would show the operator's key`, async (t) => {
    const { fake, upstream } = await openBench(t);
    const error = await failureOf(upstream.attempt().forward(ask("/v1/models", { method })));
    assert.equal(error.code, "method_not_allowed");
    assert.equal(fake.received.length, 0);
  });
}
