import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createUpstream } from "#host/upstream/forward.ts";
import { type Asked, ask, failureOf, readBroken, readText } from "./exchange.ts";

const upstream = createUpstream("demo", { provider: "mock" });
const forward = (path: string, asked?: Asked) => upstream.attempt().forward(ask(path, asked));
const said = (text: string, more: object = {}) => ({
  model: "mock",
  messages: [{ role: "user", content: text }],
  ...more,
});

type Chunk = {
  choices: { delta: { content?: string }; finish_reason: string | null }[];
  usage?: object | null;
};

function chunksOf(text: string): Chunk[] {
  const events = text.split("\n\n").slice(0, -1);
  assert.equal(events.pop(), "data: [DONE]");
  return events.map((event) => JSON.parse(event.replace(/^data: /, "")));
}

const contentOf = (chunks: readonly Chunk[]) =>
  chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join("");

test("a chat completion says what was said, counts it, and shows what reached the upstream", async () => {
  const headers = { authorization: "Bearer sk-alice", "x-plugin": "was here" };
  const json = said("Grüße 👋", { temperature: 1 });
  const answer = await forward("/v1/chat/completions", { json, headers, query: "?a=1" });
  const { choices, usage, sandgate_mock, ...head } = JSON.parse(await readText(answer));
  assert.equal(answer.status, 200);
  assert.equal(answer.headers["content-type"], "application/json");
  assert.deepEqual(choices, [
    {
      index: 0,
      message: { role: "assistant", content: "echo: Grüße 👋", refusal: null },
      logprobs: null,
      finish_reason: "stop",
    },
  ]);
  assert.deepEqual(usage, { prompt_tokens: 2, completion_tokens: 4, total_tokens: 6 });
  assert.deepEqual(answer.usage(), { inputTokens: 2, outputTokens: 4 });
  assert.deepEqual(sandgate_mock, {
    method: "POST",
    path: "/v1/chat/completions?a=1",
    headers: { "x-plugin": "was here" },
    body: json,
  });
  assert.match(head.id, /^chatcmpl-mock-[0-9a-f]{24}$/);
  assert.equal(head.object, "chat.completion");
  assert.equal(head.model, "mock");
});

for (const json of [said("one two"), { ...said("one two"), stream: true }]) {
  test(`the same request has the same answer, another has another, stream: ${"stream" in json}`, async () => {
    const ask = async (body: object) => readText(await forward("/chat/completions", { json: body }));
    assert.equal(await ask(json), await ask(json));
    assert.notEqual(await ask(json), await ask({ ...json, user: "u" }));
  });
}

test("a stream is made of the answer's words, and counted without the client's asking", async () => {
  const answer = await forward("/v1/chat/completions", { json: said("one  two\n", { stream: true }) });
  assert.equal(answer.eventStream, true);
  const chunks = chunksOf(await readText(answer));
  assert.deepEqual(
    chunks.map(({ choices }) => choices[0]?.delta.content ?? choices[0]?.finish_reason),
    ["", "echo:", " one", "  two", "\n", "stop"],
  );
  assert.deepEqual(answer.usage(), { inputTokens: 3, outputTokens: 4 });
});

test("a client that asks for usage gets it in a chunk of its own", async () => {
  const json = said("x", { stream: true, stream_options: { include_usage: true } });
  const chunks = chunksOf(await readText(await forward("/v1/chat/completions", { json })));
  assert.deepEqual(chunks.at(-1)?.choices, []);
  assert.deepEqual(chunks.at(-1)?.usage, { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 });
  assert.ok(chunks.slice(0, -1).every(({ usage }) => usage === null));
});

test("whatever is said, plain and streamed answers are the same text", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "grapheme" }), async (text) => {
      const plain = JSON.parse(await readText(await forward("/chat/completions", { json: said(text) })));
      const stream = await readText(
        await forward("/chat/completions", { json: said(text, { stream: true }) }),
      );
      assert.equal(contentOf(chunksOf(stream)), `echo: ${text}`);
      assert.equal(plain.choices[0].message.content, `echo: ${text}`);
      assert.equal(stream.split("sandgate_mock").length, 2);
    }),
    { numRuns: 50 },
  );
});

test("the last user message is what counts, and its parts are put together", async () => {
  const messages = [
    { role: "user", content: "first" },
    { role: "user", content: [{ type: "text", text: "second " }, { type: "image_url" }, { text: "part" }] },
    { role: "assistant", content: null },
  ];
  const answer = await forward("/chat/completions", { json: { model: "m", messages } });
  assert.equal(JSON.parse(await readText(answer)).choices[0].message.content, "echo: second part");
});

test("a stream of a million words is made as it is read", async () => {
  const answer = await forward("/chat/completions", { json: said("a ".repeat(1_000_000), { stream: true }) });
  const before = process.memoryUsage().heapUsed;
  const body = answer.body[Symbol.asyncIterator]();
  for (let read = 0; read < 10; read += 1) assert.equal((await body.next()).done, false);
  assert.ok(process.memoryUsage().heapUsed - before < 64 * 1024 * 1024);
  await body.return?.();
});

test("mock-cut breaks its stream off after two events", async () => {
  const answer = await forward("/chat/completions", {
    json: said("a b c", { model: "mock-cut", stream: true }),
  });
  const { text, error } = await readBroken(answer);
  assert.equal(text.match(/^data: /gm)?.length, 2);
  assert.equal(error.code, "upstream_reset");
});

test("mock-slow stops when its client leaves, streamed or not", async () => {
  for (const stream of [false, true]) {
    const client = new AbortController();
    const json = said("a b c", { model: "mock-slow", stream });
    const running = forward("/chat/completions", { json, signal: client.signal });
    if (stream) {
      const body = (await running).body[Symbol.asyncIterator]();
      const next = body.next();
      client.abort();
      await assert.rejects(next, { code: "client_closed" });
    } else {
      client.abort();
      assert.equal((await failureOf(running)).code, "client_closed");
    }
  }
});

test("mock-slow says everything in the end", async () => {
  const answer = await forward("/chat/completions", { json: said("", { model: "mock-slow", stream: true }) });
  assert.equal(contentOf(chunksOf(await readText(answer))), "echo: ");
});

for (const [model, status] of [
  ["mock-error-400", 400],
  ["mock-error-429", 429],
  ["mock-error-500", 500],
  ["mock-error-599", 599],
] as const) {
  test(`${model} fails with that status, in the client's shape`, async () => {
    for (const path of ["/v1/chat/completions", "/v1/embeddings", "/v1/responses"]) {
      const answer = await forward(path, { json: { model } });
      assert.equal(answer.status, status);
      assert.match(JSON.parse(await readText(answer)).error.message, new RegExp(`status ${status}`));
    }
    const answer = await forward("/v1/messages", { json: { model } });
    assert.equal(JSON.parse(await readText(answer)).type, "error");
  });
}

for (const model of ["mock-error-200", "mock-error-600", "mock-error-4000", "xmock-error-400"]) {
  test(`${model} is a name as any other`, async () => {
    assert.equal((await forward("/v1/chat/completions", { json: said("x", { model }) })).status, 200);
  });
}

test("mock-error-401 is the operator's trouble, not the client's", async () => {
  const error = await failureOf(forward("/v1/chat/completions", { json: { model: "mock-error-401" } }));
  assert.equal(error.code, "upstream_invalid");
  assert.equal(error.upstreamStatus, 401);
});

test("models are listed and found, with and without /v1", async () => {
  for (const prefix of ["", "/v1"]) {
    const { data } = JSON.parse(await readText(await forward(`${prefix}/models`)));
    assert.ok(data.length > 3);
    for (const entry of data) {
      assert.deepEqual(JSON.parse(await readText(await forward(`${prefix}/models/${entry.id}`))), entry);
    }
  }
});

test("embeddings are numbers from -1 to 1, the same for the same text, as floats or their bytes", async () => {
  const embed = async (more: object) =>
    JSON.parse(await readText(await forward("/v1/embeddings", { json: { model: "e", ...more } })));
  const floats = await embed({ input: ["a", "b", "a"] });
  const [a, b, again] = floats.data;
  assert.deepEqual(a.embedding, again.embedding);
  assert.notDeepEqual(a.embedding, b.embedding);
  assert.ok(a.embedding.every((number: number) => number >= -1 && number <= 1));
  assert.deepEqual(
    floats.data.map(({ index }: { index: number }) => index),
    [0, 1, 2],
  );
  assert.deepEqual(floats.usage, { prompt_tokens: 1, total_tokens: 1 });
  const encoded = await embed({ input: "a", encoding_format: "base64" });
  const bytes = Buffer.from(encoded.data[0].embedding, "base64");
  assert.deepEqual(
    a.embedding.map((_: number, at: number) => bytes.readFloatLE(at * 4)),
    a.embedding,
  );
});

for (const [path, asked, status, message] of [
  ["/v1/chat/completions", {}, 405, "The mock answers POST at /v1/chat/completions."],
  ["/v1/embeddings", { method: "PUT", json: {} }, 405, "The mock answers POST at /v1/embeddings."],
  ["/v1/models", { method: "POST", json: {} }, 405, "The mock answers GET at /v1/models."],
  ["/v1/models/gpt-9", {}, 404, "The model 'gpt-9' does not exist"],
  ["/v1/files", {}, 404, "The mock has nothing at /v1/files."],
  ["/v1/chat/completions", { json: { model: "m" } }, 400, "messages: "],
  ["/v1/chat/completions", { json: { model: "m", messages: [] } }, 400, "messages: "],
  ["/v1/chat/completions", { json: { model: "m", messages: [{ role: 1 }] } }, 400, "messages.0.role: "],
  ["/v1/chat/completions", { method: "POST", body: Buffer.from("{") }, 400, "The body: "],
  ["/v1/embeddings", { json: { model: "m", input: [1] } }, 400, "input"],
  ["/v1/embeddings", { json: { model: "m", input: "a", encoding_format: "x" } }, 400, "encoding_format: "],
] as const satisfies readonly (readonly [string, Asked, number, string])[]) {
  test(`${status} at ${path}: ${message}`, async () => {
    const answer = await forward(path, asked);
    assert.equal(answer.status, status);
    const { error } = JSON.parse(await readText(answer));
    assert.ok(error.message.startsWith(message), error.message);
    assert.equal(error.code, "mock_error");
  });
}

test("it is never off, and closes at once", async () => {
  assert.equal(upstream.off, null);
  await upstream.close();
});
