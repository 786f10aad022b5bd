import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { parseGrant } from "#host/capabilities/egress.ts";
import { parseRequest } from "#host/capabilities/http-request.ts";
import { numberOf, textOf } from "#test/sandbox/fixture.ts";
import { openHttpPlugin } from "./http-plugin.ts";

const secret = "s3cret-granted";
const placeholder = "Bearer {{secret:granted}}";

/** A server that answers with what `answer` makes of the authorization it got. */
async function serve(t: TestContext, answer: (authorization: string) => string) {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    const { authorization = "" } = request.headers;
    seen.push(authorization);
    const echoed = answer(authorization);
    response.setHeader("x-echo", echoed.replaceAll(/[^\x20-\x7e]/g, " ")).end(echoed);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { host, url: `http://${host}/`, seen };
}

const requestOf = (url: string, authorization: string) => JSON.stringify({ url, headers: { authorization } });

test("a secret of the grant takes the place of its name in a header, and the plugin sees the answer alone", async (t) => {
  const { host, url, seen } = await serve(t, () => "fine");
  const { pool } = await openHttpPlugin(t, [host]);
  const result = await pool.call("body", requestOf(url, placeholder));
  assert.equal(textOf(result), "fine");
  assert.deepEqual(seen, [`Bearer ${secret}`]);
});

for (const [what, answer] of [
  ["as it is", (authorization: string) => authorization],
  [
    "escaped in JSON",
    () =>
      `"${Array.from(secret, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`).join("")}"`,
  ],
] as const) {
  test(`an answer that repeats the secret ${what} never reaches the plugin`, async (t) => {
    const { host, url, seen } = await serve(t, answer);
    const { pool, log } = await openHttpPlugin(t, [host]);
    for (const hook of ["body", "headers"]) {
      assert.doesNotMatch(textOf(await pool.call(hook, requestOf(url, placeholder))), /s3cret|u0073/);
    }
    assert.equal(seen.length, 2);
    assert.ok(log.some(({ text }) => text.includes("repeats a secret")));
  });
}

for (const name of ["other", "unknown", "__proto__", "constructor", ""]) {
  test(`a secret that the binding was not granted (${JSON.stringify(name)}) is refused, and nothing is sent`, async (t) => {
    const { host, url, seen } = await serve(t, () => "fine");
    const { pool, log } = await openHttpPlugin(t, [host]);
    const result = await pool.call("status", requestOf(url, `{{secret:${name}}}`));
    assert.equal(numberOf(result), 0n);
    assert.deepEqual(seen, []);
    assert.ok(log.some(({ text }) => text.includes("is not in the binding's grants")));
    assert.ok(!log.some(({ text }) => text.includes("s3cret")));
  });
}

test("a secret goes over https, or to a host that the grant names with its port", () => {
  const parse = (url: string, granted: string) =>
    parseRequest(requestOf(url, placeholder), {
      egress: parseGrant([granted]),
      secrets: { granted: secret },
    });
  assert.equal(
    parse("https://api.example.com/", "api.example.com").headers["authorization"],
    `Bearer ${secret}`,
  );
  assert.deepEqual(parse("http://api.example.com:80/", "api.example.com:80").secrets, [secret]);
  assert.throws(() => parse("http://api.example.com/", "api.example.com"), /over https only/);
});

test("only values of headers have placeholders: a name and a URL are sent as they are or refused", () => {
  const rights = { egress: parseGrant(["api.example.com"]), secrets: { granted: secret } };
  const url = "https://api.example.com/{{secret:granted}}?q={{secret:granted}}";
  assert.doesNotMatch(String(parseRequest(JSON.stringify({ url }), rights).url), /s3cret/);
  const headers = { "{{secret:granted}}": "x" };
  assert.throws(() => parseRequest(JSON.stringify({ url, headers }), rights), /not a header name/);
});
