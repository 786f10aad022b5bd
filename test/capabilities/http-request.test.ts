import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseGrant } from "#host/capabilities/egress.ts";
import { parseRequest, RequestRefused } from "#host/capabilities/http-request.ts";
import { egressLimits } from "#host/limits.ts";

const grant = parseGrant(["api.example.com"]);
const url = "https://api.example.com/v1?x=1";
const parse = (request: unknown) => parseRequest(JSON.stringify(request), { egress: grant, secrets: {} });
const refused = (text: string, reason: RegExp, hosts = grant) =>
  assert.throws(
    () => parseRequest(text, { egress: hosts, secrets: {} }),
    (thrown) => thrown instanceof RequestRefused && reason.test(thrown.message),
  );

test("a request has method and headers, by default GET and none", () => {
  const { timeoutMs } = egressLimits;
  const plain = { url: new URL(url), privateAllowed: false, secrets: [], timeoutMs };
  assert.deepEqual(parse({ url }), { ...plain, method: "GET", headers: {} });
  assert.deepEqual(parse({ url, method: "post", headers: { "X-A": "1\t2 \u00e9" } }), {
    ...plain,
    method: "POST",
    headers: { "X-A": "1\t2 \u00e9" },
  });
});

test("a request has at most the time that it asks for, and never more than the limit", () => {
  assert.equal(parse({ url, timeoutMs: 1 }).timeoutMs, 1);
  assert.equal(parse({ url, timeoutMs: null }).timeoutMs, egressLimits.timeoutMs);
  assert.equal(parse({ url, timeoutMs: 2 ** 40 }).timeoutMs, egressLimits.timeoutMs);
  for (const timeoutMs of [0, -1, 0.5, "9", 2 ** 60])
    refused(JSON.stringify({ url, timeoutMs }), /^timeoutMs: /);
});

test("headers may stand under both names that PDKs use", () => {
  assert.deepEqual(parse({ url, header: { a: "1" }, headers: null, method: null }).headers, { a: "1" });
  assert.deepEqual(parse({ url, header: { a: "1" }, headers: { b: "2" } }).headers, { b: "2" });
});

test("a reason is one line that names what is wrong", () => {
  refused(JSON.stringify({ url, headers: { "a\r\nb": "1" } }), /^headers\.a b: is not a header name$/);
  refused(JSON.stringify({ url, method: "TRACE" }), /^method: [^\n]+$/);
  refused("[]", /^[^\n:]+: [^\n]+$/);
});

for (const name of [
  "Host",
  "content-length",
  "Transfer-Encoding",
  "connection",
  "keep-alive",
  "te",
  "trailer",
  "upgrade",
  "expect",
  "proxy-authorization",
  "Proxy-Connection",
  "http2-settings",
]) {
  test(`only the host sets ${name}`, () => {
    refused(JSON.stringify({ url, headers: { [name]: "1" } }), /only the host may set/);
    refused(JSON.stringify({ url, header: { [name]: "1" } }), /only the host may set/);
  });
}

for (const name of [
  "",
  " ",
  "a b",
  "a:",
  ":path",
  "a\r\nb",
  "a\n",
  "a\u0000",
  "ä",
  "host ",
  " host",
  "host\t",
  "x".repeat(257),
]) {
  test(`no header name: ${JSON.stringify(name.slice(0, 10))}`, () => {
    refused(JSON.stringify({ url, headers: { [name]: "1" } }), /not a header name/);
  });
}

for (const value of [
  "a\r\nx: y",
  "a\nb",
  "a\rb",
  "a\u0000b",
  "\u007f",
  "\u001b[31m",
  "Ā",
  "…",
  "👋",
  "a\r\n",
  "\u010a",
  "\u010d",
]) {
  test(`no header value: ${JSON.stringify(value)}`, () => {
    refused(JSON.stringify({ url, headers: { a: value } }), /no header may have/);
  });
}

test("whatever a header says, what is accepted is one line of Latin-1", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (name, value) => {
      try {
        const { headers } = parse({ url, headers: { [name]: value } });
        for (const text of Object.entries(headers).flat()) {
          assert.ok(Buffer.from(text, "latin1").toString("latin1") === text);
          // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters must not be there
          assert.doesNotMatch(text, /[\u0000-\u0008\u000a-\u001f\u007f]/);
        }
      } catch (thrown) {
        assert.ok(thrown instanceof RequestRefused);
      }
    }),
  );
});

test("so many headers and no more", () => {
  const headers = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`x-${at}`, "1"]));
  assert.equal(
    Object.keys(parse({ url, headers: headers(egressLimits.headers) }).headers).length,
    egressLimits.headers,
  );
  refused(JSON.stringify({ url, headers: headers(egressLimits.headers + 1) }), /more than 64 headers/);
});

test("a request is refused for its length before anything else", () => {
  const text = JSON.stringify({ url, headers: { a: "x".repeat(egressLimits.headChars) } });
  refused(text, /longer than 65536 characters/);
  refused("[".repeat(1_000_000), /longer than 65536 characters/);
});

for (const [name, text, reason] of [
  ["no JSON", "{", /the request is not JSON/],
  ["nothing", "", /the request is not JSON/],
  ["deep nesting", "[".repeat(60_000), /the request is not JSON/],
  ["deep nesting that ends", "[".repeat(30_000) + "]".repeat(30_000), /expected object/i],
  ["an array", "[]", /expected object/i],
  ["no URL", "{}", /url/],
  ["a URL that is none", '{"url":1}', /url/],
  ["a relative URL", '{"url":"/v1"}', /the URL is malformed/],
  ["a long URL", JSON.stringify({ url: `${url}${"x".repeat(9_000)}` }), /8192/],
  ["another method", JSON.stringify({ url, method: "TRACE" }), /method/],
  ["CONNECT", JSON.stringify({ url, method: "CONNECT" }), /method/],
  ["a method with a line end", JSON.stringify({ url, method: "GET\r\n" }), /method/],
  ["a header that is no text", JSON.stringify({ url, headers: { a: 1 } }), /headers/],
  ["a list as header", JSON.stringify({ url, headers: { a: ["1", "2"] } }), /headers/],
] as const) {
  test(`refused: ${name}`, () => refused(text, reason));
}

test("a header called __proto__ changes no object", () => {
  const { headers } = parseRequest(`{"url":"${url}","headers":{"__proto__":"x","constructor":"y"}}`, {
    egress: grant,
    secrets: {},
  });
  assert.equal(Object.getPrototypeOf(headers), Object.prototype);
  assert.deepEqual(Object.entries(headers), [["constructor", "y"]]);
});

for (const host of [
  "127.0.0.1",
  "2130706433",
  "0x7f000001",
  "0177.0.0.1",
  "127.1",
  "0.0.0.0",
  "10.0.0.1",
  "100.64.0.1",
  "169.254.169.254",
  "[::1]",
  "[::]",
  "[::ffff:a9fe:a9fe]",
  "[::ffff:10.0.0.1]",
  "[::a9fe:a9fe]",
  "[64:ff9b::a9fe:a9fe]",
  "[64:ff9b:1::a9fe:a9fe]",
  "[2002:a9fe:a9fe::1]",
  "[2001::1]",
  "[fd00::1]",
  "[fe80::1]",
]) {
  test(`${host} is called only where it is granted with its port`, () => {
    const text = JSON.stringify({ url: `http://${host}/` });
    refused(text, /is not a public address; grant it with its port$/, parseGrant([host]));
    refused(text, /is not in the binding's grants$/);
    assert.equal(
      parseRequest(text, { egress: parseGrant([`${host}:80`]), secrets: {} }).privateAllowed,
      true,
    );
  });
}

for (const [name, hidden] of [
  ["a tab in the host", "https://api.exa\tmple.com/"],
  ["a line end in the host", "https://api.exa\nmple.com/"],
  ["an encoded dot", "https://api%2eexample.com/"],
  ["full-width letters", "https://ａｐｉ.example.com/"],
  ["backslashes", "https:\\\\api.example.com\\x"],
  ["space around it", "  https://api.example.com/  "],
] as const) {
  test(`a host is what the URL means, whatever hides it: ${name}`, () => {
    assert.equal(parse({ url: hidden }).url.hostname, "api.example.com");
  });
}

for (const hidden of [
  "https://api.example.com@evil.com/",
  "https://evil.com\\@api.example.com/",
  "https://evil.com#@api.example.com/",
  "https://evil.com?api.example.com",
  "https://api.example.com\u3002evil.com/",
  "https://api.example.com%00.evil.com/",
  "javascript://api.example.com/%0a",
  "ws://api.example.com/",
  "https://:pass@api.example.com/",
]) {
  test(`another host is another host: ${JSON.stringify(hidden)}`, () => {
    refused(JSON.stringify({ url: hidden }), /grants|user name|malformed|not http/);
  });
}
