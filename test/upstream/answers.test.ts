import assert from "node:assert/strict";
import { test } from "node:test";
import type { Surface } from "#host/surface.ts";
import { readAnswer } from "#test/fake-upstream/answer-file.ts";
import type { Script } from "#test/fake-upstream/fake-upstream.ts";
import { ask, chat, chatStream, openBench, readAll } from "./exchange.ts";

const stream = { stream: true };

for (const { name, path, json, recorded, usage, surface } of [
  { name: "a chat completion", path: "/chat/completions", json: chat, recorded: "chat", usage: [19, 9] },
  {
    name: "a chat stream whose client asks for the usage",
    path: "/v1/chat/completions",
    json: { ...chatStream, stream_options: { include_usage: true } },
    recorded: "chat-stream-usage",
    usage: [19, 9],
  },
  {
    name: "a response",
    path: "/v1/responses",
    json: { input: "Hi" },
    recorded: "responses",
    usage: [36, 11],
  },
  {
    name: "a response stream",
    path: "/responses",
    json: { input: "Hi", ...stream },
    recorded: "responses-stream",
    usage: [36, 11],
  },
  {
    name: "a message, its cached tokens counted as input",
    path: "/v1/messages",
    json: { messages: [] },
    recorded: "anthropic-message",
    usage: [1112, 6],
  },
  {
    name: "a message stream",
    path: "/v1/messages",
    json: { messages: [], ...stream },
    recorded: "anthropic-stream",
    usage: [25, 15],
  },
  {
    name: "embeddings",
    path: "/v1/embeddings",
    json: { input: "Hi" },
    recorded: "embeddings",
    usage: [5, 0],
  },
  { name: "models", path: "/models", json: undefined, recorded: "models", usage: null },
  {
    name: "a stream that is no chat, whoever asks",
    path: "/v1/audio/speech",
    json: stream,
    recorded: "chat-stream",
    usage: null,
    surface: "gemini",
  },
] as const satisfies readonly {
  name: string;
  path: string;
  json: unknown;
  recorded: string;
  usage: readonly [number, number] | null;
  surface?: Surface;
}[]) {
  for (const chunkBytes of [undefined, 1, 7]) {
    const pieces = chunkBytes === undefined ? "whole" : `in pieces of ${chunkBytes}`;
    test(`${name} reaches the client byte by byte, ${pieces}, and is counted`, async (t) => {
      const script: Script = { answer: recorded, ...(chunkBytes === undefined ? {} : { chunkBytes }) };
      const { upstream } = await openBench(t, script);
      const answer = await upstream
        .attempt()
        .forward(ask(path, { json, ...(surface === undefined ? {} : { surface }) }));
      const { status, headers, body } = readAnswer(recorded);
      assert.equal(answer.status, status);
      assert.equal(answer.headers["content-type"], headers["content-type"]);
      assert.equal(answer.eventStream, recorded.includes("stream"));
      assert.deepEqual(await readAll(answer), body);
      const [inputTokens, outputTokens] = usage ?? [];
      assert.deepEqual(answer.usage(), usage === null ? undefined : { inputTokens, outputTokens });
    });
  }
}

test("a body that is not JSON is passed on as it is", async (t) => {
  const body = Buffer.from([0, 255, 128, 10, 13, 92, 117]);
  const { upstream } = await openBench(t, {
    answer: "chat",
    body,
    headers: { "content-type": "audio/mpeg" },
  });
  const answer = await upstream.attempt().forward(ask("/audio/speech", { json: {} }));
  assert.deepEqual(await readAll(answer), body);
});

test("a request reaches the upstream byte by byte, with its method and query", async (t) => {
  const { fake, upstream } = await openBench(t);
  const body = Buffer.from('{"model": "m",\n "a": 1e400, "dup": 1, "dup": 2}');
  await readAll(
    await upstream
      .attempt()
      .forward(ask("/v1/files/f-1", { method: "PATCH", query: "?a=b%20c&d", body, json: {} })),
  );
  const [received] = fake.received;
  assert.deepEqual(received?.body, body);
  assert.equal(received?.method, "PATCH");
  assert.equal(received?.url, "/v1/files/f-1?a=b%20c&d");
});

for (const [name, usage, counted] of [
  ["no completion", { prompt_tokens: 3, completion_tokens: null }, { inputTokens: 3, outputTokens: 0 }],
  ["input_tokens", { input_tokens: 3, output_tokens: 4 }, { inputTokens: 3, outputTokens: 4 }],
  ["half of it", { input_tokens: 3 }, undefined],
  ["negative counts", { prompt_tokens: -3, completion_tokens: 1 }, undefined],
  ["text", { prompt_tokens: "3", completion_tokens: "1" }, undefined],
  ["null", null, undefined],
] as const) {
  test(`usage with ${name}`, async (t) => {
    const { upstream } = await openBench(t, { body: JSON.stringify({ usage }) });
    const answer = await upstream.attempt().forward(ask("/v1/chat/completions", { json: chat }));
    await readAll(answer);
    assert.deepEqual(answer.usage(), counted);
  });
}

test("usage of Gemini counts what was thought as output", async (t) => {
  const usageMetadata = { promptTokenCount: 5, candidatesTokenCount: 7, thoughtsTokenCount: 11 };
  const { upstream } = await openBench(t, { answer: "chat", body: JSON.stringify({ usageMetadata }) });
  const answer = await upstream.attempt().forward(ask("/v1beta/models/g:generateContent", { json: {} }));
  await readAll(answer);
  assert.deepEqual(answer.usage(), { inputTokens: 5, outputTokens: 18 });
});

test("an answer too long to keep is passed on whole and not counted", async (t) => {
  const filler = "x".repeat(3 * 1024 * 1024);
  const body = JSON.stringify({ filler, usage: { prompt_tokens: 1, completion_tokens: 1 } });
  const { upstream } = await openBench(t, { body });
  const answer = await upstream.attempt().forward(ask("/v1/embeddings", { json: {} }));
  assert.equal((await readAll(answer)).toString(), body);
  assert.equal(answer.usage(), undefined);
});

test("an answer to HEAD has headers and no body, also where GET would be a stream", async (t) => {
  const { upstream } = await openBench(t, { answer: "chat-stream" });
  const answer = await upstream.attempt().forward(ask("/v1/chat/completions", { method: "HEAD" }));
  assert.equal(answer.status, 200);
  assert.equal((await readAll(answer)).length, 0);
});

test("the client gets what speaks of the model, the limits and the request, and nothing of the operator's account", async (t) => {
  const { upstream } = await openBench(t, {
    headers: { "cache-control": "no-store", connection: "x-ratelimit-limit-tokens" },
  });
  const { headers } = await upstream.attempt().forward(ask("/v1/chat/completions", { json: chat }));
  assert.deepEqual(Object.keys(headers).sort(), [
    "cache-control",
    "content-type",
    "openai-processing-ms",
    "openai-version",
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-requests",
    "x-ratelimit-reset-tokens",
    "x-upstream-request-id",
  ]);
  assert.equal(headers["x-upstream-request-id"], "req_5c3f8a0d9e7b4f21");
});
