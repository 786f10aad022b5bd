import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { ErrorCode } from "#host/errors.ts";
import type { Surface } from "#host/surface.ts";
import { readAnswer } from "#test/fake-upstream/answer-file.ts";
import type { Script } from "#test/fake-upstream/fake-upstream.ts";
import { watPlugin } from "#test/wat-plugin.ts";
import { type Bench, chatStream, openBench, paths } from "./bench.ts";

const eventStream = { "content-type": "text/event-stream" };
const recorded = {
  openai: "chat-stream-usage",
  "openai-responses": "responses-stream",
  anthropic: "anthropic-stream",
} as const;

/** A plugin that looks at the head of every answer. */
const headReader = watPlugin(
  { name: "head-reader", hooks: { post_request: { reads: ["response.status"], writes: [] } } },
  { post_request: [] },
);

for (const use of [[], [{ plugin: "head-reader" }]]) {
  test(`the first event arrives before the upstream sends the last, ${use.length} plugins`, async (t) => {
    const seen = Promise.withResolvers<void>();
    async function* events() {
      yield Buffer.from('data: {"n":1}\n\n');
      await seen.promise;
      yield Buffer.from("data: [DONE]\n\n");
    }
    const { gateway } = await openBench(t, {
      script: { body: events(), headers: eventStream },
      plugins: { "head-reader": headReader },
      config: { gateway: { use } },
    });
    const response = await gateway.post(paths.openai, chatStream);
    const texts: string[] = [];
    for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      texts.push(text);
      seen.resolve();
    }
    assert.deepEqual(texts, ['data: {"n":1}\n\n', "data: [DONE]\n\n"]);
  });
}

for (const chunkBytes of [1, 7, 100_000]) {
  for (const [surface, name] of Object.entries(recorded) as [keyof typeof recorded, string][]) {
    test(`a stream goes to the client byte for byte, in pieces of ${chunkBytes}: ${surface}`, async (t) => {
      const { gateway } = await openBench(t, { script: { answer: name, chunkBytes } });
      const body = { ...chatStream, stream_options: { include_usage: true } };
      const response = await gateway.post(paths[surface], body);
      assert.equal(await response.text(), String(readAnswer(name).body));
      assert.equal(response.headers.get("content-length"), null);
    });
  }
}

function* manyTimes(piece: Buffer, bytes: number): Generator<Buffer> {
  for (let at = 0; at < bytes; at += piece.length) yield piece;
}

const hugeBytes = 128 * 1024 * 1024;
/** What sockets on the way may hold: some MiB each. */
const heldBytes = 32 * 1024 * 1024;

for (const [name, headers, piece] of [
  ["an event stream", eventStream, Buffer.from(`data: ${"x".repeat(65_528)}\n\n`)],
  ["a download", { "content-type": "application/octet-stream" }, Buffer.alloc(65_536)],
  ["a large JSON", { "content-type": "application/json" }, Buffer.alloc(65_536, 0x20)],
] as const) {
  test(`a client that stops reading stops the upstream: ${name}`, async (t) => {
    const { gateway, fake } = await openBench(t, {
      script: { answer: "chat", body: manyTimes(piece, hugeBytes), headers },
    });
    const asking = request(`${gateway.url}/v1/files`, { method: "GET" }).end();
    const [response] = await once(asking, "response");
    await once(response, "readable");
    let before = -1;
    while (before !== fake.received[0]?.sentBytes) {
      before = fake.received[0]?.sentBytes ?? 0;
      await delay(300);
    }
    assert.ok(before < heldBytes, `${before} bytes left the upstream`);
    let read = 0;
    for await (const chunk of response) read += (chunk as Buffer).length;
    assert.equal(read, hugeBytes);
  });
}

test("a client that leaves in the middle ends the upstream's exchange", async (t) => {
  const { gateway, fake } = await openBench(t, {
    script: { body: manyTimes(Buffer.from("data: {}\n\n"), 1e9), headers: eventStream },
  });
  const response = await gateway.post(paths.openai, chatStream);
  const reader = response.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  assert.equal(await fake.received[0]?.over, false);
  const line = await gateway.logged(({ code }) => code === "client_closed");
  assert.equal(line["blame"], "client");
});

type Failing = { readonly script: Script; readonly code: ErrorCode; readonly message: RegExp };

const gemini = 'data: {"candidates":[{"content":{"parts":[{"text":"Hi"}]}}]}\r\n\r\n';
const streamPaths = { ...paths, gemini: "/v1beta/models/gemini-3-flash:streamGenerateContent?alt=sse" };

/** An upstream that fails in a stream after so many bytes. */
const failures: readonly (readonly [string, Failing])[] = [
  [
    "a reset",
    {
      script: { fault: { kind: "reset", after: 600 } },
      code: "upstream_reset",
      message: /closed the connection in the middle/,
    },
  ],
  [
    "silence",
    { script: { fault: { kind: "stall", after: 600 } }, code: "upstream_timeout", message: /fell silent/ },
  ],
  [
    "an end without the last event",
    {
      script: { fault: { kind: "end", after: 600 } },
      code: "upstream_reset",
      message: /before the answer was complete/,
    },
  ],
];

for (const [surface, path] of Object.entries(streamPaths) as [Surface, string][]) {
  for (const [name, { script, code, message }] of failures) {
    // Gemini's streams have no last event that could be missing.
    if (surface === "gemini" && name.startsWith("an end")) continue;
    test(`${name} in a stream ends it with the error event of ${surface}, and the log tells`, async (t) => {
      const own =
        surface === "gemini" ? { answer: "chat", headers: eventStream, body: gemini.repeat(20) } : {};
      const bench = await openBench(t, { script: { ...own, ...script }, timeouts: { body: "300ms" } });
      await assertErrorEvent(bench, path, { surface, code, message });
    });
  }
}

test("an event that does not end is the upstream's failure", async (t) => {
  const body = `data: {}\n\ndata: ${"x".repeat(2 * 1024 * 1024)}`;
  const bench = await openBench(t, { script: { body, headers: eventStream } });
  const wanted = {
    surface: "openai",
    code: "upstream_invalid",
    message: /event of more than 1 MiB/,
  } as const;
  await assertErrorEvent(bench, paths.openai, wanted);
});

type Wanted = { readonly surface: Surface; readonly code: ErrorCode; readonly message: RegExp };

/** The stream ends with a whole error event of the API, and nothing after it. */
async function assertErrorEvent({ gateway }: Bench, path: string, { surface, code, message }: Wanted) {
  const response = await gateway.post(path, chatStream);
  assert.equal(response.status, 200);
  const text = await response.text();
  const events = text.split(/\r?\n\r?\n/);
  assert.equal(events.pop(), "", "the last event is whole");
  const last = events.pop() ?? "";
  assert.ok(events.length > 0, "events came before");
  assert.doesNotMatch(text, /\[DONE\]/);
  const [, event, data = ""] = /^(?:event: (\w+)\n)?data: (.*)$/.exec(last) ?? [];
  const value = JSON.parse(data);
  const named = surface === "anthropic" || surface === "openai-responses";
  assert.equal(event, named ? "error" : undefined);
  if (named) assert.equal(value.type, "error");
  const error = surface === "openai-responses" ? value : value.error;
  assert.match(error.message, message);
  if (surface === "openai" || surface === "openai-responses") assert.equal(error.code, code);
  if (surface === "gemini") assert.ok([502, 504].includes(error.code));
  const id = response.headers.get("x-request-id");
  const line = await gateway.logged((one) => one["requestId"] === id);
  assert.partialDeepStrictEqual({ ...line }, { code, blame: "upstream", route: "all", service: "fake" });
}
