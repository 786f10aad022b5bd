import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErrorCode } from "#host/errors.ts";
import { requestLimits } from "#host/limits.ts";
import type { Surface } from "#host/surface.ts";
import { assertServes, assertTypedError, chat, openBench, paths } from "./bench.ts";
import { exchangeRaw } from "./raw-client.ts";

type Case = {
  readonly name: string;
  /** After the request line; an empty line and the body follow. */
  readonly fields?: readonly string[];
  readonly line?: string;
  readonly host?: null;
  readonly body?: string;
  readonly code: ErrorCode;
  readonly surface?: Surface;
};

const json = JSON.stringify(chat);
const length = `Content-Length: ${Buffer.byteLength(json)}`;
const type = "Content-Type: application/json";
const post = (path: string) => `POST ${path} HTTP/1.1`;
const anthropic = post(paths.anthropic);

const refused: readonly Case[] = [
  // What two readers could cut into requests at different places.
  {
    name: "a length and chunks",
    fields: [length, "Transfer-Encoding: chunked"],
    body: "0\r\n\r\n",
    code: "invalid_request",
  },
  {
    name: "chunks and a length",
    fields: ["Transfer-Encoding: chunked", length],
    body: "0\r\n\r\n",
    code: "invalid_request",
  },
  { name: "two lengths", fields: [length, "Content-Length: 4"], body: json, code: "invalid_request" },
  { name: "the same length twice", fields: [length, length], body: json, code: "invalid_request" },
  { name: "a length with a sign", fields: ["Content-Length: +4"], body: "{  }", code: "invalid_request" },
  { name: "a negative length", fields: ["Content-Length: -1"], code: "invalid_request" },
  {
    name: "a length that overflows",
    fields: ["Content-Length: 99999999999999999999"],
    code: "invalid_request",
  },
  {
    name: "a transfer coding that does not end in chunks",
    fields: ["Transfer-Encoding: chunked, gzip"],
    code: "invalid_request",
  },
  { name: "a folded header", fields: [type, "X-Fold: a", " b", length], body: json, code: "invalid_request" },
  { name: "a bare line feed", fields: [`X-A: b\nX-C: d`, length], body: json, code: "invalid_request" },
  { name: "a bare carriage return", fields: [`X-A: b\rX-C: d`, length], body: json, code: "invalid_request" },
  { name: "a NUL in a header", fields: [`X-A: b\0c`, length], body: json, code: "invalid_request" },
  { name: "a space in a header's name", fields: ["X A: b", length], body: json, code: "invalid_request" },
  { name: "a space before the colon", fields: ["Content-Length : 4"], body: "{  }", code: "invalid_request" },
  { name: "a header without a name", fields: [": b"], code: "invalid_request" },
  { name: "a header without a colon", fields: ["X-A"], code: "invalid_request" },
  {
    name: "two hosts",
    fields: ["Host: other", length],
    body: json,
    code: "invalid_request",
    surface: "anthropic",
    line: anthropic,
  },
  {
    name: "no host",
    host: null,
    fields: [length],
    body: json,
    code: "invalid_request",
    surface: "anthropic",
    line: anthropic,
  },
  // What is no request at all.
  { name: "a method that nobody knows", line: "BREW /v1/chat/completions HTTP/1.1", code: "invalid_request" },
  { name: "a method in lower case", line: "post /v1/chat/completions HTTP/1.1", code: "invalid_request" },
  { name: "another version", line: "GET /v1/models HTTP/3.0", code: "invalid_request" },
  { name: "the preface of HTTP/2", line: "PRI * HTTP/2.0", code: "invalid_request" },
  { name: "no path", line: "GET HTTP/1.1", code: "invalid_request" },
  { name: "bytes of TLS", line: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", code: "invalid_request" },
  {
    name: "a body that is no chunk",
    line: anthropic,
    fields: [type, "Transfer-Encoding: chunked"],
    body: "zz\r\n",
    code: "invalid_request",
    surface: "anthropic",
  },
  {
    name: "a chunk of too many digits",
    line: anthropic,
    fields: [type, "Transfer-Encoding: chunked"],
    body: "fffffffffffffffff\r\n",
    code: "invalid_request",
    surface: "anthropic",
  },
  // Too much.
  {
    name: "one large header",
    fields: [`X-Huge: ${"x".repeat(requestLimits.headerBytes)}`],
    code: "headers_too_large",
  },
  {
    name: "a large path",
    line: `GET /${"x".repeat(requestLimits.headerBytes)} HTTP/1.1`,
    code: "headers_too_large",
  },
  {
    name: "a flood of parameters",
    line: `GET /v1/models?${"a=1&".repeat(requestLimits.headerBytes / 4)} HTTP/1.1`,
    code: "headers_too_large",
  },
  {
    name: "a huge number of headers",
    fields: Array.from({ length: 10_000 }, (_, at) => `x${at}: 1`),
    code: "headers_too_large",
  },
  // What the gateway does not do.
  { name: "CONNECT", line: "CONNECT example.com:443 HTTP/1.1", code: "method_not_allowed" },
  { name: "TRACE", line: "TRACE /v1/messages HTTP/1.1", code: "method_not_allowed", surface: "anthropic" },
  { name: "a path of a proxy's client", line: "GET http://example.com/v1/models HTTP/1.1", code: "no_route" },
  { name: "a path of a star", line: "OPTIONS * HTTP/1.1", code: "no_route" },
  ...[
    "//v1/messages",
    "/v1/../v1/messages",
    "/v1/./messages",
    "/v1/%2e%2e/messages",
    "/v1/x%00/messages",
    "/v1/x%2f/messages",
    "/v1/x%5c/messages",
    "/v1/%zz/messages",
    "/v1/..;/messages",
    "/v1/%c0%ae/messages",
    "/v1/x\\y/messages",
  ].map(
    (path): Case => ({
      name: `the path ${path}`,
      line: `GET ${path} HTTP/1.1`,
      code: "no_route",
      surface: "anthropic",
    }),
  ),
];

test("requests that are no HTTP, or HTTP that could be read in two ways", async (t) => {
  const bench = await openBench(t);
  for (const {
    name,
    line = post(paths.openai),
    host = "Host: gateway",
    fields = [],
    body = "",
    code,
    surface = "openai",
  } of refused) {
    await t.test(`${code}: ${name}`, async () => {
      const head = [line, ...(host === null ? [] : [host]), ...fields, "Connection: close", "", ""].join(
        "\r\n",
      );
      const answers = await exchangeRaw(bench.gateway.url, Buffer.from(head + body, "latin1"));
      assert.equal(answers.length, 1);
      assert.equal(answers[0]?.headers["connection"], "close");
      await assertTypedError(bench.gateway, answers[0], { code, surface });
      assert.equal(bench.fake.received.length, 0, "nothing reached the upstream");
      await assertServes(bench);
      bench.fake.received.length = 0;
    });
  }
});
