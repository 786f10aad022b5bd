import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import OpenAI from "openai";
import { readAnswer } from "#test/fake-upstream/answer-file.ts";
import { aliceKey, type Bench, type BenchOptions, chat, openBench, paths, targetKey } from "./bench.ts";

const keyAuth = readFileSync(new URL("../../plugins/key-auth.wasm", import.meta.url));
const withKeyAuth = {
  plugins: { "key-auth": keyAuth },
  config: { gateway: { use: [{ plugin: "key-auth" }] } },
};

type Clients = Bench & { readonly openai: OpenAI };

/** OpenAI's own SDK before a gateway with the bundled authenticator. */
async function openClient(
  t: TestContext,
  options: BenchOptions & { apiKey?: string } = {},
): Promise<Clients> {
  const { apiKey = aliceKey, ...rest } = options;
  const bench = await openBench(t, { ...withKeyAuth, ...rest });
  return { ...bench, openai: new OpenAI({ apiKey, baseURL: `${bench.gateway.url}/v1` }) };
}

const question = { ...chat, messages: [{ role: "user" as const, content: "Grüße" }] };

test("a chat completion, with the answer's request id", async (t) => {
  const { openai, fake, gateway } = await openClient(t);
  const { data, response, request_id } = await openai.chat.completions.create(question).withResponse();
  assert.equal(data.choices[0]?.message.content, "Grüße! How can I assist you today? 👋");
  assert.equal(data.usage?.total_tokens, JSON.parse(String(readAnswer("chat").body)).usage.total_tokens);
  assert.match(request_id ?? "", /^[0-9a-f-]{36}$/);
  assert.equal(response.headers.get("x-upstream-request-id"), "req_5c3f8a0d9e7b4f21");
  assert.equal(response.headers.get("set-cookie"), null);
  const [received] = fake.received;
  assert.deepEqual(JSON.parse(String(received?.body)), question);
  assert.equal(received?.headers["authorization"], `Bearer ${targetKey}`);
  assert.ok(!JSON.stringify(gateway.log).includes(aliceKey));
});

for (const include_usage of [undefined, true]) {
  test(`a stream of chunks, include_usage: ${include_usage}`, async (t) => {
    const { openai } = await openClient(t);
    const options = include_usage === undefined ? {} : { stream_options: { include_usage } };
    const stream = await openai.chat.completions.create({ ...question, ...options, stream: true });
    const chunks = await Array.fromAsync(stream);
    assert.match(chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join(""), /^Grüße!/);
    assert.equal(chunks.at(include_usage ? -2 : -1)?.choices[0]?.finish_reason, "stop");
    assert.deepEqual(chunks.filter(({ choices }) => choices.length === 0).length, include_usage ? 1 : 0);
    assert.equal(
      chunks.some(({ usage }) => usage?.total_tokens === 28),
      include_usage === true,
    );
  });
}

test("the stream ends with [DONE]", async (t) => {
  const { gateway } = await openClient(t);
  const response = await gateway.post(paths.openai, { ...question, stream: true });
  assert.match(await response.text(), /\n\ndata: \[DONE\]\n\n$/);
});

test("models, embeddings and responses", async (t) => {
  const { openai } = await openClient(t);
  const models = await Array.fromAsync(openai.models.list());
  assert.deepEqual(
    models.map(({ id }) => id),
    ["gpt-4o-mini", "text-embedding-3-small"],
  );
  const embedded = await openai.embeddings.create({
    model: "text-embedding-3-small",
    input: "x",
    encoding_format: "float",
  });
  assert.equal(embedded.data[0]?.embedding.length, 3);
  const answered = await openai.responses.create({ model: "gpt-4o-mini", input: "x" });
  assert.equal(answered.status, "completed");
  const events = await Array.fromAsync(
    await openai.responses.create({ model: "gpt-4o-mini", input: "x", stream: true }),
  );
  assert.equal(events.at(-1)?.type, "response.completed");
});

test("a wrong key is an AuthenticationError with code and request id, after one request", async (t) => {
  const { openai, fake, gateway } = await openClient(t, { apiKey: "sk-of-nobody" });
  const error = await openai.chat.completions.create(question).then(
    () => assert.fail(),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof OpenAI.AuthenticationError, String(error));
  assert.deepEqual([error.status, error.code, error.type], [401, "unauthenticated", "invalid_request_error"]);
  const line = await gateway.logged(({ requestId }) => requestId === error.requestID);
  assert.partialDeepStrictEqual(line, { code: "unauthenticated", blame: "client" });
  assert.equal(gateway.log.filter(({ code }) => code === "unauthenticated").length, 1);
  assert.equal(fake.received.length, 0);
});

for (const [name, script, type, requests] of [
  [
    "a 429 with a short wait",
    { answer: "error-429", headers: { "retry-after": "0", "retry-after-ms": "5" } },
    OpenAI.RateLimitError,
    3,
  ],
  [
    "a 429 that says no",
    { answer: "error-429", headers: { "x-should-retry": "false" } },
    OpenAI.RateLimitError,
    1,
  ],
  ["a 500", { answer: "error-500", headers: { "retry-after-ms": "5" } }, OpenAI.InternalServerError, 3],
  ["a 400", { answer: "error-400" }, OpenAI.BadRequestError, 1],
  ["a 404", { answer: "error-404" }, OpenAI.NotFoundError, 1],
] as const) {
  test(`${name} of the upstream is that error for the client, after ${requests} requests`, async (t) => {
    const { openai, fake } = await openClient(t, { script });
    const error = await openai.chat.completions.create(question).then(
      () => assert.fail(),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof type, String(error));
    assert.deepEqual(error.error, JSON.parse(String(readAnswer(script.answer).body)).error);
    assert.match(error.requestID ?? "", /^[0-9a-f-]{36}$/);
    assert.equal(fake.received.length, requests);
  });
}

test("the gateway's own errors are repeated only where that can help", async (t) => {
  const { openai, fake } = await openClient(t, { script: { fault: { kind: "reset", after: "request" } } });
  await assert.rejects(openai.chat.completions.create(question), { status: 502, code: "upstream_reset" });
  assert.equal(fake.received.length, 3);
  const bad = openai.chat.completions.create(question, { headers: { "content-type": "text/plain" } });
  await assert.rejects(bad, { status: 415, code: "unsupported_media_type" });
  assert.equal(fake.received.length, 3);
});

test("a stream that fails in the middle is an APIError with the gateway's code", async (t) => {
  const { openai } = await openClient(t, { script: { fault: { kind: "reset", after: 700 } } });
  const stream = await openai.chat.completions.create({ ...question, stream: true });
  const chunks: unknown[] = [];
  await assert.rejects(
    async () => {
      for await (const chunk of stream) chunks.push(chunk);
    },
    (error) => error instanceof OpenAI.APIError && error.code === "upstream_reset",
  );
  assert.ok(chunks.length > 0);
});

test("a stream that the client leaves is left by the gateway too", async (t) => {
  const { openai, fake, gateway } = await openClient(t, { script: { fault: { kind: "stall", after: 700 } } });
  const stream = await openai.chat.completions.create({ ...question, stream: true });
  for await (const _chunk of stream) break;
  assert.equal(await fake.received[0]?.over, false);
  assert.equal((await gateway.logged(({ code }) => code === "client_closed"))["blame"], "client");
});

for (const [name, value] of [
  ["authorization", `Bearer ${aliceKey}`],
  ["authorization", `bearer ${aliceKey}`],
  ["x-api-key", aliceKey],
  ["x-goog-api-key", aliceKey],
  ["api-key", aliceKey],
] as const) {
  test(`the key in ${name}: ${value.replace(aliceKey, "KEY")} is known, and stays at the gateway`, async (t) => {
    const { gateway, fake } = await openClient(t);
    assert.equal((await gateway.fetch("/v1/models", { headers: { [name]: value } })).status, 200);
    assert.ok(!JSON.stringify(fake.received[0]?.headers).includes(aliceKey));
    assert.equal((await gateway.fetch("/v1/models", { headers: { [name]: `${value}x` } })).status, 401);
    assert.equal((await gateway.fetch("/v1/models")).status, 401);
    assert.equal(fake.received.length, 1);
  });
}
