import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type HttpScript, type OpenOptions, openPlugin } from "@sandgate/plugin-sdk/testing";
import { doingSource } from "./doing-plugin.ts";

const secrets = { token: "s3cret-token-1", longer: "s3cret-token-12" };
const grants = { http: ["api.example.com"], secrets: ["token"] };
const url = "https://api.example.com/check";

let folder = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "sandgate-http-"));
  await writeFile(join(folder, "doing.ts"), doingSource);
});
after(() => rm(folder, { recursive: true }));

function open(http: HttpScript | null, options: OpenOptions = {}) {
  const script = http === null ? {} : { http };
  return openPlugin(join(folder, "doing.ts"), { grants, secrets, ...script, ...options });
}

const send = (to = url) => ({ headers: { "x-do": `send ${to}` } });

test("the script answers, and sees the request as the plugin wrote it: a secret is its reference", async () => {
  await using plugin = await open(({ body }) => ({ status: 201, body: { asked: JSON.parse(body).ask } }));
  const { exchange } = await plugin.call("pre_request", send());
  assert.equal(exchange.tags["answer"], '201 application/json {"asked":1}');
  const headers = { authorization: "Bearer {{secret:token}}" };
  assert.deepEqual(plugin.http.requests, [{ method: "POST", url, headers, body: '{"ask":1}' }]);
});

test("nothing goes out that the binding may not send", async () => {
  await using plugin = await open(() => assert.fail("it was sent"));
  const { exchange, log } = await plugin.call("pre_request", send("https://other.example.com/"));
  assert.match(exchange.tags["answer"] ?? "", /^0 /);
  assert.match(log[0]?.msg ?? "", /other\.example\.com is not in the binding's grants/);
  await using without = await open(null, { grants: { http: ["api.example.com"] } });
  const { log: lines } = await without.call("pre_request", send());
  assert.match(lines[0]?.msg ?? "", /the secret "token" is not in the binding's grants/);
  assert.deepEqual([...plugin.http.requests, ...without.http.requests], []);
});

test("an answer that repeats the secret does not reach the plugin", async () => {
  await using plugin = await open(() => ({ status: 200, body: `you sent ${secrets.token}` }));
  const { exchange, log } = await plugin.call("pre_request", send());
  assert.match(exchange.tags["answer"] ?? "", /^0 /);
  assert.match(log[0]?.msg ?? "", /repeats a secret/);
});

for (const [name, script, says] of [
  ["a network that fails", async () => ({ error: "connection reset" }), /connection reset/],
  ["no script", null, /the test gives no answers for http/],
] as const) {
  test(`the plugin sees status 0 and the log says why: ${name}`, async () => {
    await using plugin = await open(script);
    const { exchange, log } = await plugin.call("pre_request", send());
    assert.match(exchange.tags["answer"] ?? "", /^0 /);
    assert.match(log[0]?.msg ?? "", says);
  });
}

test("what the script throws is thrown by the call, once", async () => {
  let isWrong = true;
  await using plugin = await open(() => {
    assert.ok(!isWrong, "not this request");
    return { status: 204 };
  });
  await assert.rejects(plugin.call("pre_request", send()), {
    name: "AssertionError",
    message: "not this request",
  });
  isWrong = false;
  const { exchange } = await plugin.call("pre_request", send());
  assert.match(exchange.tags["answer"] ?? "", /^204 /);
});

test("a script that never answers ends with the deadline of the call", async () => {
  await using plugin = await open(() => new Promise(() => {}), { limits: { deadlineMs: 100 } });
  await assert.rejects(plugin.call("pre_request", send()), { name: "StepFailure", outcome: "deadline" });
});
