import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { type TestContext, test } from "node:test";
import type { GatewayError } from "#host/errors.ts";
import { createUpstream, type Upstream } from "#host/upstream/forward.ts";
import type { Script } from "#test/fake-upstream/fake-upstream.ts";
import { ask, chat, failureOf, openBench, readBroken, readText, targetKey } from "./exchange.ts";

/** No message names what only the operator may know. */
function assertDiscreet({ message }: GatewayError): void {
  assert.doesNotMatch(message, /127\.0\.0\.1|localhost|:\d{2,}|ECONN|UND_ERR|HPE_|169\.254/);
  assert.ok(!message.includes(targetKey));
}

const timeouts = { headers: "100ms", body: "100ms" };

for (const [name, script, code, message] of [
  ["nothing listens", { fault: "refuse" }, "upstream_unreachable", "The upstream cannot be reached."],
  [
    "bytes that are no HTTP",
    { fault: "garbage" },
    "upstream_invalid",
    "The upstream's answer is not valid HTTP.",
  ],
  [
    "huge headers",
    { fault: "huge-headers" },
    "upstream_invalid",
    "The upstream's answer has too large headers.",
  ],
  [
    "a reset when the request is there",
    { fault: { kind: "reset", after: "request" } },
    "upstream_reset",
    "The upstream closed the connection before the answer began.",
  ],
  [
    "a reset in the middle of the headers",
    { fault: { kind: "reset", after: "half-headers" } },
    "upstream_reset",
    "The upstream closed the connection before the answer began.",
  ],
  [
    "silence when the request is there",
    { fault: { kind: "stall", after: "request" } },
    "upstream_timeout",
    "The upstream did not answer in time.",
  ],
  [
    "silence in the middle of the headers",
    { fault: { kind: "stall", after: "half-headers" } },
    "upstream_timeout",
    "The upstream did not answer in time.",
  ],
  ["a change of protocol", { status: 101 }, "upstream_invalid", "The upstream's answer is not valid HTTP."],
  [
    "a redirect",
    { answer: "redirect" },
    "upstream_invalid",
    "The upstream answered with a redirect (status 307), which the gateway does not follow. The operator has to check the service's URL.",
  ],
  [
    "a refused key",
    { answer: "error-401" },
    "upstream_invalid",
    "The upstream refused the gateway's own credential (status 401). The operator has to check the service's key.",
  ],
  [
    "a forbidden key",
    { answer: "error-401", status: 403 },
    "upstream_invalid",
    "The upstream refused the gateway's own credential (status 403). The operator has to check the service's key.",
  ],
  [
    "a proxy that wants a key of its own",
    { answer: "error-401", status: 407 },
    "upstream_invalid",
    "The upstream refused the gateway's own credential (status 407). The operator has to check the service's key.",
  ],
  [
    "a status that does not exist",
    { status: 777 },
    "upstream_invalid",
    "The upstream answered with status 777, which means nothing.",
  ],
  [
    "a web page",
    { answer: "html" },
    "upstream_invalid",
    "The upstream answered with a web page. The operator has to check the service's URL.",
  ],
  [
    "a web page among its types",
    { headers: { "content-type": ["TEXT/HTML", "application/json"] } },
    "upstream_invalid",
    "The upstream answered with a web page. The operator has to check the service's URL.",
  ],
  ...(["gzip", "br", "identity, gzip"] as const).map(
    (coding) =>
      [
        `the content coding ${coding}`,
        { headers: { "content-encoding": coding } },
        "upstream_invalid",
        "The upstream answered in a content coding that nobody asked for.",
      ] as const,
  ),
  [
    "a transfer coding",
    { headers: { "transfer-encoding": "gzip, chunked" } },
    "upstream_invalid",
    "The upstream answered in a content coding that nobody asked for.",
  ],
] as const satisfies readonly (readonly [string, Script, string, string])[]) {
  test(`${code}: ${name}`, async (t) => {
    const { upstream } = await openBench(t, script, timeouts);
    const error = await failureOf(upstream.attempt().forward(ask("/v1/chat/completions", { json: chat })));
    assert.equal(error.code, code);
    assert.equal(error.message, message);
    assert.equal(error.blame, "upstream");
    assertDiscreet(error);
  });
}

for (const [name, headers] of [
  ["chunked", {}],
  ["chunked on a connection that ends with it", { connection: "close" }],
  ["of a known length", { "content-length": "1000" }],
] as const) {
  test(`upstream_reset: a reset in the middle of a body ${name}`, async (t) => {
    const { fake, upstream } = await openBench(t, {
      headers: { ...headers, ...audio },
      fault: { kind: "reset", after: 100 },
    });
    const answer = await upstream.attempt().forward(ask("/v1/chat/completions", { json: chat }));
    const { text, error } = await readBroken(answer);
    assert.equal(text.length, 100);
    await fake.play({ headers, fault: { kind: "reset", after: 100 } });
    const early = await failureOf(upstream.attempt().forward(ask("/v1/chat/completions", { json: chat })));
    for (const one of [error, early]) {
      assert.equal(one.code, "upstream_reset");
      assert.equal(one.message, "The upstream closed the connection in the middle of the answer.");
      assertDiscreet(one);
    }
  });
}

/** What is no JSON goes on chunk by chunk. */
const audio = { "content-type": "audio/mpeg" } as const;

test("upstream_timeout: silence in the middle of a body", async (t) => {
  const fault = { kind: "stall", after: 100 } as const;
  const { fake, upstream } = await openBench(t, { headers: audio, fault }, timeouts);
  const { text, error } = await readBroken(
    await upstream.attempt().forward(ask("/v1/chat/completions", { json: chat })),
  );
  assert.equal(text.length, 100);
  await fake.play({ fault });
  const early = await failureOf(upstream.attempt().forward(ask("/v1/chat/completions", { json: chat })));
  for (const one of [error, early]) {
    assert.equal(one.code, "upstream_timeout");
    assert.equal(one.message, "The upstream fell silent in the middle of the answer.");
    assertDiscreet(one);
  }
});

/** The upstream of a server that answers every connection with these bytes and ends it, or stays silent. */
async function openRaw(t: TestContext, bytes: string | null, scheme = "http"): Promise<Upstream> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    t.after(() => socket.destroy());
    if (bytes !== null) socket.once("data", () => socket.end(bytes));
  });
  t.after(() => server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return createUpstream("raw", {
    provider: "openai",
    targets: [{ url: `${scheme}://127.0.0.1:${address.port}`, key: targetKey }],
    timeouts: bytes === null ? { connect: "0s" } : {},
  });
}

const chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n";
for (const [name, bytes, code] of [
  [
    "two lengths",
    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 4\r\n\r\nhello",
    "upstream_invalid",
  ],
  ["a length and chunks", `${chunked}content-length: 4\r\n\r\n5\r\nhello\r\n0\r\n\r\n`, "upstream_invalid"],
  ["a bare line feed in its headers", "HTTP/1.1 200 OK\r\nx: a\nb: c\r\n\r\n", "upstream_invalid"],
  ["100 alone", "HTTP/1.1 100 Continue\r\n\r\n", "upstream_invalid"],
  ["an end in its headers", "HTTP/1.1 200 OK\r\nconnection: close\r\nconten", "upstream_reset"],
] as const) {
  test(`${code}: an answer with ${name}`, async (t) => {
    const error = await failureOf((await openRaw(t, bytes)).attempt().forward(ask("/v1/models")));
    assert.equal(error.code, code);
    assertDiscreet(error);
  });
}

for (const [name, bytes, code] of [
  ["a size that is no number", `${chunked}\r\nzz\r\nhello\r\n`, "upstream_invalid"],
  ["an end before the last chunk", `${chunked}\r\n5\r\nhello\r\n`, "upstream_reset"],
  [
    "an end before the last chunk of a last answer",
    `${chunked}connection: close\r\n\r\n5\r\nhello\r\n`,
    "upstream_reset",
  ],
  ["an end before its length", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello", "upstream_reset"],
] as const) {
  test(`${code}: a body with ${name}`, async (t) => {
    const answer = await (await openRaw(t, bytes)).attempt().forward(ask("/v1/models"));
    const { error } = await readBroken(answer);
    assert.equal(error.code, code);
    assertDiscreet(error);
  });
}

test("upstream_timeout: a connection that never gets ready", async (t) => {
  const upstream = await openRaw(t, null, "https");
  const error = await failureOf(upstream.attempt().forward(ask("/v1/models")));
  assert.equal(error.code, "upstream_timeout");
  assert.equal(error.message, "The upstream did not accept a connection in time.");
  assertDiscreet(error);
});

test("upstream_unreachable: the server speaks no TLS", async (t) => {
  const { fake } = await openBench(t);
  const upstream = createUpstream("tls", {
    provider: "openai",
    targets: [{ url: fake.url.replace("http:", "https:"), key: targetKey }],
  });
  const error = await failureOf(upstream.attempt().forward(ask("/v1/models")));
  assert.equal(error.code, "upstream_unreachable");
  assertDiscreet(error);
});

test("internal: a key that no header can carry", async (t) => {
  const { fake } = await openBench(t);
  const upstream = createUpstream("bad", {
    provider: "openai",
    targets: [{ url: fake.url, key: "sk-two\r\nlines" }],
  });
  const error = await failureOf(upstream.attempt().forward(ask("/v1/models")));
  assert.equal(error.code, "internal");
  assert.doesNotMatch(error.message, /sk-two|lines/);
});

test("the service goes on after each of these", async (t) => {
  const { fake, upstream } = await openBench(t, {}, timeouts);
  for (const fault of ["refuse", "garbage", "huge-headers", { kind: "stall", after: "request" }] as const) {
    await fake.play({ fault });
    await failureOf(upstream.attempt().forward(ask("/v1/models")));
    await fake.play({});
    assert.match(await readText(await upstream.attempt().forward(ask("/v1/models"))), /gpt-4o-mini/);
  }
});

for (const [name, body] of [
  ["a plain answer", `{"echo":{"authorization":"Bearer ${targetKey}"}}`],
  ["a plain answer with escaped slashes", `{"echo":"${targetKey.replaceAll("/", "\\/")}"}`],
  ["a plain answer with escaped letters", `{"echo":"${targetKey.replace("s", "\\u0073")}"}`],
] as const) {
  for (const chunkBytes of [1024, 5]) {
    test(`upstream_invalid: ${name} repeats the key, in pieces of ${chunkBytes}`, async (t) => {
      const { fake, upstream } = await openBench(t, { headers: audio, body, chunkBytes });
      const { text, error } = await readBroken(
        await upstream.attempt().forward(ask("/v1/chat/completions", { json: chat })),
      );
      assert.ok(!text.includes(targetKey.slice(0, -5)) || chunkBytes === 5);
      assert.ok(!text.includes(targetKey));
      await fake.play({ body, chunkBytes });
      const early = await failureOf(upstream.attempt().forward(ask("/v1/chat/completions", { json: chat })));
      for (const one of [error, early]) {
        assert.equal(one.code, "upstream_invalid");
        assertDiscreet(one);
      }
    });
  }
}

test("upstream_invalid: an event that repeats the key never begins", async (t) => {
  const whole = "data: {}\n\n";
  const { upstream } = await openBench(t, {
    answer: "chat-stream",
    body: `${whole}data: {"error":{"message":"no access with ${targetKey}"}}\n\ndata: [DONE]\n\n`,
  });
  const { text, error } = await readBroken(
    await upstream.attempt().forward(ask("/v1/chat/completions", { json: chat })),
  );
  assert.ok(whole.startsWith(text));
  assert.equal(error.code, "upstream_invalid");
});
