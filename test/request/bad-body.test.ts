import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import type { ErrorCode } from "#host/errors.ts";
import type { Surface } from "#host/surface.ts";
import { answeredBy, assertServes, assertTypedError, openBench, paths } from "./bench.ts";
import { exchangeRaw, openSocket, parseAnswers, readToEnd } from "./raw-client.ts";

type Case = {
  readonly name: string;
  readonly body: string | Uint8Array;
  readonly headers?: Record<string, string>;
  readonly code: ErrorCode;
};

const deep = `${'{"a":['.repeat(5_000)}1${"]}".repeat(5_000)}`;

const refused: readonly Case[] = [
  { name: "text", body: "hello", code: "invalid_json" },
  { name: "half an object", body: '{"model":', code: "invalid_json" },
  { name: "JSON and more", body: "{} {}", code: "invalid_json" },
  { name: "a comma too many", body: '{"model":"m",}', code: "invalid_json" },
  { name: "a number that JSON has not", body: '{"n":NaN}', code: "invalid_json" },
  { name: "bytes that are no UTF-8", body: Buffer.from('{"a":"\xff\xfe"}', "latin1"), code: "invalid_json" },
  { name: "a surrogate in UTF-8", body: Buffer.from('{"a":"\xed\xa0\x80"}', "latin1"), code: "invalid_json" },
  { name: "UTF-16", body: Buffer.from('\ufeff{"a":1}', "utf16le"), code: "invalid_json" },
  { name: "a NUL behind", body: "{}\0", code: "invalid_json" },
  { name: "10,000 levels", body: deep, code: "invalid_request" },
  { name: "10,000 levels that never end", body: "[".repeat(10_000), code: "invalid_request" },
  { name: "no content type", body: "{}", headers: { "content-type": "" }, code: "unsupported_media_type" },
  {
    name: "a form",
    body: "a=1",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    code: "unsupported_media_type",
  },
  { name: "XML", body: "<a/>", headers: { "content-type": "text/xml" }, code: "unsupported_media_type" },
  {
    name: "a compressed body",
    body: "x",
    headers: { "content-encoding": "gzip" },
    code: "unsupported_media_type",
  },
];

test("bodies that no API takes, in the shape of each API", async (t) => {
  const bench = await openBench(t);
  const { gateway, fake } = bench;
  for (const { name, body, headers = {}, code } of refused) {
    await t.test(`${code}: ${name}`, async () => {
      for (const [surface, path] of Object.entries(paths) as [Surface, string][]) {
        const init = { method: "POST", headers: { "content-type": "application/json", ...headers }, body };
        await assertTypedError(gateway, await answeredBy(await gateway.fetch(path, init)), { code, surface });
      }
      assert.equal(fake.received.length, 0);
      await assertServes(bench);
      fake.received.length = 0;
    });
  }
});

const odd = [
  ["a member __proto__", '{"__proto__":{"stream":true},"constructor":{"prototype":1},"messages":[]}'],
  ["the same member twice", '{"model":"a","model":"b"}'],
  ["half a surrogate pair, escaped", '{"a":"\\ud800"}'],
  ["a byte order mark", '\ufeff{"a":1}'],
  ["odd white space", '\r\n\t { "a" :\n1 }  \n'],
  ["a large number", '{"a":123456789012345678901234567890}'],
  ["a scalar", '"text"'],
  ["255 levels", `${"[".repeat(255)}${"]".repeat(255)}`],
] as const;

for (const [name, body] of odd) {
  test(`a body with ${name} reaches the upstream byte for byte`, async (t) => {
    const { gateway, fake } = await openBench(t);
    const response = await gateway.post(paths.openai, body);
    assert.equal(response.status, 200);
    await response.body?.cancel();
    assert.equal(String(fake.received[0]?.body), body);
  });
}

for (const [surface, path] of Object.entries(paths) as [Surface, string][]) {
  test(`body_too_large: with a length and in chunks, ${surface}`, async (t) => {
    const bench = await openBench(t, { config: { limits: { bodyMb: 0.5 } } });
    const { gateway, fake } = bench;
    const body = Buffer.alloc(8 * 1024 * 1024, 0x20);
    for (const sent of [body, ReadableStream.from([body.subarray(0, 400_000), body])]) {
      const init = {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: sent,
        duplex: "half",
      };
      const answer = await answeredBy(await gateway.fetch(path, init as RequestInit));
      await assertTypedError(gateway, answer, { code: "body_too_large", surface });
    }
    assert.equal(fake.received.length, 0);
    await assertServes(bench);
  });
}

test("a body of just the limit is taken, one byte more is not", async (t) => {
  const { gateway } = await openBench(t, { config: { limits: { bodyMb: 0.001 } } });
  const limit = Math.floor(0.001 * 1024 * 1024);
  assert.equal((await gateway.post(paths.openai, JSON.stringify("x".repeat(limit - 2)))).status, 200);
  assert.equal((await gateway.post(paths.openai, JSON.stringify("x".repeat(limit - 1)))).status, 413);
});

/** The head of a POST that promises a longer body than the test sends. */
const promising = (path: string) =>
  `POST ${path} HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n`;

test("an upload that ends in the middle is nobody's request", async (t) => {
  const bench = await openBench(t);
  const { gateway } = bench;
  const half = `${promising(paths.anthropic)}{"model"`;
  const polite = await openSocket(gateway.url);
  polite.end(half);
  const [answer] = parseAnswers(await readToEnd(polite));
  await assertTypedError(gateway, answer, { code: "invalid_request", surface: "anthropic" });
  const rude = await openSocket(gateway.url);
  rude.write(half);
  await gateway.fetch("/healthz");
  rude.resetAndDestroy();
  const line = await gateway.logged(({ code }) => code === "client_closed");
  assert.equal(line["blame"], "client");
  assert.equal(bench.fake.received.length, 0);
  await assertServes(bench);
});

test("request_timeout: headers that do not end, and bodies that do not, in the shape of the API", async (t) => {
  const bench = await openBench(t, { config: { limits: { requestTimeout: "300ms" } } });
  const { url } = bench.gateway;
  const [early] = await exchangeRaw(url, "POST /v1/messages HTTP/1.1\r\nHost: gateway\r\nX-Slow: ");
  await assertTypedError(bench.gateway, early, { code: "request_timeout" });
  const slow = (Object.entries(paths) as [Surface, string][]).map(async ([surface, path]) => {
    const [answer] = await exchangeRaw(url, promising(path), "{");
    assert.equal(answer?.headers["connection"], "close");
    await assertTypedError(bench.gateway, answer, { code: "request_timeout", surface });
  });
  await Promise.all(slow);
  const metrics = await (await bench.gateway.fetch("/metrics")).text();
  assert.match(metrics, /sandgate_requests_total\{route="",service="",status="408"\} 4/);
  assert.equal(bench.fake.received.length, 0);
  await assertServes(bench);
});

test("request_timeout: a client that trickles is no better than a silent one", async (t) => {
  const bench = await openBench(t, { config: { limits: { requestTimeout: "500ms" } } });
  const socket = await openSocket(bench.gateway.url);
  socket.write(promising(paths.openai));
  const trickle = setInterval(() => socket.write(" "), 20);
  const answers = parseAnswers(await readToEnd(socket));
  clearInterval(trickle);
  assert.equal(answers.length, 1);
  await assertTypedError(bench.gateway, answers[0], { code: "request_timeout" });
});

test("a connection that says nothing is closed", async (t) => {
  const { gateway } = await openBench(t, { config: { limits: { requestTimeout: "300ms" } } });
  const socket = await openSocket(gateway.url);
  await once(socket.resume(), "close");
});

for (const [name, first] of [
  ["no HTTP", "garbage\r\n\r\n"],
  ["a CONNECT", "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n"],
  [
    "a body over the limit",
    `POST ${paths.openai} HTTP/1.1\r\nHost: gateway\r\nContent-Length: 99999999\r\n\r\n`,
  ],
] as const) {
  test(`the answer to ${name} is not taken away by a reset when the client goes on sending`, async (t) => {
    const { gateway } = await openBench(t);
    const socket = await openSocket(gateway.url, { allowHalfOpen: true });
    const failures: unknown[] = [];
    socket.on("error", (error) => failures.push(error));
    socket.write(first);
    await once(socket, "data");
    for (let piece = 0; piece < 4; piece += 1) {
      await new Promise((resolve) => socket.write(Buffer.alloc(100_000, 0x20), resolve));
      // What the server thinks of it has arrived then.
      await gateway.fetch("/healthz");
    }
    assert.deepEqual(failures, []);
    socket.destroy();
  });
}
