import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { GatewayError } from "#host/errors.ts";
import type { Surface } from "#host/surface.ts";
import { relayEvents } from "#host/upstream/sse.ts";
import { countUsage } from "#host/upstream/usage.ts";
import { readAnswer } from "#test/fake-upstream/answer-file.ts";
import type { Script } from "#test/fake-upstream/fake-upstream.ts";
import { ask, chatStream, openBench, readAll, readBroken, readText } from "./exchange.ts";

const recordings = [
  { name: "chat-stream", path: "/v1/chat/completions" },
  { name: "responses-stream", path: "/v1/responses" },
  { name: "anthropic-stream", path: "/v1/messages" },
] as const;

const usageStream = readAnswer("chat-stream-usage").body.toString("utf8");
const withoutUsageChunk = usageStream
  .split("\n\n")
  .filter((event) => !event.includes('"choices":[]'))
  .join("\n\n");

for (const stream_options of [undefined, null, {}, { include_usage: false }, { include_usage: null, x: 1 }]) {
  const asked = { ...chatStream, ...(stream_options === undefined ? {} : { stream_options }) };

  test(`usage is asked for and its chunk hidden: stream_options ${JSON.stringify(stream_options)}`, async (t) => {
    const { fake, upstream } = await openBench(t);
    const answer = await upstream.attempt().forward(ask("/v1/chat/completions", { json: asked }));
    assert.equal(await readText(answer), withoutUsageChunk);
    assert.deepEqual(answer.usage(), { inputTokens: 19, outputTokens: 9 });
    assert.deepEqual(JSON.parse(String(fake.received[0]?.body)), {
      ...asked,
      stream_options: { ...stream_options, include_usage: true },
    });
  });
}

test("only the member is put into the body, which stays byte for byte what the client sent", async (t) => {
  const { fake, upstream } = await openBench(t);
  const text = '{ "stream":true, "seed": 9007199254740993, "x":"}" }\n';
  await readAll(
    await upstream
      .attempt()
      .forward(
        ask("/v1/chat/completions", { body: Buffer.from(text), json: JSON.parse(text), method: "POST" }),
      ),
  );
  assert.equal(
    String(fake.received[0]?.body),
    text.replace(" }\n", ' ,"stream_options":{"include_usage":true}}\n'),
  );
});

for (const [name, path, json] of [
  [
    "a client that asks for usage itself",
    "/v1/chat/completions",
    { ...chatStream, stream_options: { include_usage: true } },
  ],
  ["a request that does not stream", "/v1/chat/completions", { ...chatStream, stream: false }],
  ["stream options that are none", "/v1/chat/completions", { ...chatStream, stream_options: "x" }],
  ["another API", "/v1/responses", chatStream],
  ["a body that is no object", "/v1/chat/completions", [chatStream]],
] as const) {
  test(`the request stays as it is for ${name}`, async (t) => {
    const { fake, upstream } = await openBench(t, { answer: "chat-stream-usage" });
    await readText(await upstream.attempt().forward(ask(path, { json }))).catch(() => "");
    assert.deepEqual(JSON.parse(String(fake.received[0]?.body)), json);
  });
}

for (const { name, path } of recordings) {
  const { body } = readAnswer(name);
  const lastEvent = body.subarray(0, -2).lastIndexOf("\n\n") + 2;

  test(`${name}: an end without the last event is a reset after the last whole event`, async (t) => {
    const { upstream } = await openBench(t, { answer: name, body: body.subarray(0, lastEvent + 8) });
    const { text, error } = await readBroken(
      await upstream.attempt().forward(ask(path, { json: chatStream })),
    );
    assert.equal(text, body.toString("utf8", 0, lastEvent));
    assert.equal(error.code, "upstream_reset");
    assert.equal(error.message, "The upstream ended the stream before the answer was complete.");
  });

  test(`${name}: an end right after the last event's text is well`, async (t) => {
    const { upstream } = await openBench(t, { answer: name, body: body.subarray(0, -2) });
    const answer = await upstream
      .attempt()
      .forward(ask(path, { json: { ...chatStream, stream_options: { include_usage: true } } }));
    assert.equal(await readText(answer), body.toString("utf8", 0, body.length - 2));
  });

  test(`${name}: a reset after the last event is well`, async (t) => {
    const { upstream } = await openBench(t, { answer: name, fault: { kind: "reset", after: body.length } });
    const answer = await upstream
      .attempt()
      .forward(ask(path, { json: { ...chatStream, stream_options: { include_usage: true } } }));
    assert.deepEqual(await readAll(answer), body);
  });

  for (const [what, fault, code] of [
    ["reset", { kind: "reset", after: lastEvent - 3 }, "upstream_reset"],
    ["stall", { kind: "stall", after: lastEvent - 3 }, "upstream_timeout"],
  ] as const satisfies readonly [string, Script["fault"], string][]) {
    test(`${name}: a ${what} in the middle of an event fails after the last whole event`, async (t) => {
      const { upstream } = await openBench(t, { answer: name, fault }, { body: "100ms" });
      const { text, error } = await readBroken(
        await upstream.attempt().forward(ask(path, { json: chatStream })),
      );
      const whole = body.lastIndexOf("\n\n", lastEvent - 4) + 2;
      assert.equal(text, body.toString("utf8", 0, whole));
      assert.equal(error.code, code);
      assert.equal(error.blame, "upstream");
    });
  }
}

for (const [name, path] of [
  ["of Gemini", "/v1beta/models/g:streamGenerateContent"],
  ["of an endpoint whose last event is not known", "/v1/audio/speech"],
] as const) {
  test(`a reset of a stream ${name} is no clean end`, async (t) => {
    const event = 'data: {"candidates":[]}\r\n\r\n';
    const { upstream } = await openBench(t, {
      answer: "chat-stream",
      body: event + event,
      fault: { kind: "reset", after: event.length + 5 },
    });
    const { text, error } = await readBroken(await upstream.attempt().forward(ask(path, { json: {} })));
    assert.equal(text, event);
    assert.equal(error.code, "upstream_reset");
  });

  test(`a clean end of a stream ${name} is well`, async (t) => {
    const { upstream } = await openBench(t, { answer: "chat-stream", body: "data: {}\r\n\r\n" });
    assert.equal(
      await readText(await upstream.attempt().forward(ask(path, { json: {} }))),
      "data: {}\r\n\r\n",
    );
  });
}

for (const [name, path, body] of [
  ["vLLM's error", "/v1/chat/completions", 'data: {"error":{"message":"out of memory"}}\n\n'],
  [
    "a named error",
    "/v1/messages",
    'event: error\ndata: {"type":"error","error":{"type":"overloaded_error"}}\n\n',
  ],
  ["an error of the responses API", "/v1/responses", 'data: {"type":"error","message":"x"}\n\n'],
  ["a failed response", "/v1/responses", 'data: {"type":"response.failed","response":{}}\n\n'],
  ["a last event named by its data alone", "/v1/messages", 'data: {"type":"message_stop"}\n\n'],
] as const) {
  test(`${name} may be the last event`, async (t) => {
    const { upstream } = await openBench(t, { answer: "chat-stream", body });
    assert.equal(await readText(await upstream.attempt().forward(ask(path, { json: chatStream }))), body);
  });
}

for (const [name, body] of [
  [
    "the model's words about usage",
    'data: {"choices":[{"delta":{"content":"\\"usage\\":{\\"a\\":1}"}}]}\n\ndata: [DONE]\n\n',
  ],
  [
    "the model's words about an end",
    'data: {"choices":[{"delta":{"content":"[DONE]"}}]}\n\ndata: [DONE]\n\n',
  ],
  [
    "usage beside choices",
    'data: {"choices":[{"delta":{}}],"usage":{"prompt_tokens":1}}\n\ndata: [DONE]\n\n',
  ],
  ["usage that is null", 'data: {"choices":[],"usage":null}\n\ndata: [DONE]\n\n'],
  ["comments and ids", ": keep-alive\n\nid: 7\nretry: 10\ndata: [DONE]\n\n"],
  ["nothing after the text", "data: [DONE]"],
] as const) {
  test(`${name}: all of it reaches a client that asked for no usage`, async (t) => {
    const { upstream } = await openBench(t, { answer: "chat-stream", body });
    assert.equal(
      await readText(await upstream.attempt().forward(ask("/v1/chat/completions", { json: chatStream }))),
      body,
    );
  });
}

test("words about the end are no end", async (t) => {
  const body = 'data: {"choices":[{"delta":{"content":"data: [DONE]\\n\\n"}}]}\n\n';
  const { upstream } = await openBench(t, { answer: "chat-stream", body });
  const { text, error } = await readBroken(
    await upstream.attempt().forward(ask("/v1/chat/completions", { json: chatStream })),
  );
  assert.equal(text, body);
  assert.equal(error.code, "upstream_reset");
});

test("an event over the limit ends the stream after the last whole event", async (t) => {
  const whole = "data: {}\n\n";
  const { upstream } = await openBench(t, {
    answer: "chat-stream",
    body: [Buffer.from(whole), Buffer.from("data: "), Buffer.alloc(2 * 1024 * 1024, 0x20)],
  });
  const { text, error } = await readBroken(
    await upstream.attempt().forward(ask("/v1/chat/completions", { json: chatStream })),
  );
  assert.equal(text, whole);
  assert.equal(error.code, "upstream_invalid");
});

/** The relayed text of a stream in these pieces, and how it ended. */
async function relay(pieces: readonly Uint8Array[], surface: Surface, path: string, hideUsage: boolean) {
  async function* source() {
    yield* pieces;
  }
  const usage = countUsage();
  const out: Uint8Array[] = [];
  let code = "";
  try {
    for await (const chunk of relayEvents(source(), { surface, path, hideUsage, usage })) out.push(chunk);
  } catch (thrown) {
    assert.ok(thrown instanceof GatewayError);
    code = thrown.code;
  }
  return { text: Buffer.concat(out).toString("utf8"), code, usage: usage.total() };
}

function cutAt(bytes: Buffer, borders: readonly number[]): Buffer[] {
  const places = [0, ...borders.map((at) => at % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, at) => bytes.subarray(places[at], end));
}

for (const [lineEnd, escaped] of [
  ["\n", "LF"],
  ["\r\n", "CRLF"],
  ["\r", "CR"],
] as const) {
  test(`whatever the chunks, a stream with ${escaped} loses its usage chunk and nothing else`, async () => {
    const whole = Buffer.from(usageStream.replaceAll("\n", lineEnd));
    const shown = withoutUsageChunk.replaceAll("\n", lineEnd);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { maxLength: 30 }), async (borders) => {
        const relayed = await relay(cutAt(whole, borders), "openai", "/chat/completions", true);
        // The line feed that a border cut off from the hidden chunk is an empty line, which says nothing.
        const spare = `${lineEnd}${lineEnd}\ndata: [DONE]`;
        const text =
          lineEnd === "\r\n" ? relayed.text.replace(spare, `${lineEnd}${lineEnd}data: [DONE]`) : relayed.text;
        assert.equal(text, shown);
        assert.equal(relayed.code, "");
        assert.deepEqual(relayed.usage, { inputTokens: 19, outputTokens: 9 });
      }),
      { numRuns: 60 },
    );
  });
}

test("whatever the chunks and wherever it breaks off, only whole events come before the failure", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...recordings),
      fc.constantFrom("\n", "\r\n", "\r"),
      fc.nat(),
      fc.array(fc.nat(), { maxLength: 10 }),
      async ({ name, path }, lineEnd, length, borders) => {
        const text = readAnswer(name).body.toString("utf8").replaceAll("\n", lineEnd);
        const bytes = Buffer.from(text);
        const part = bytes.subarray(0, length % bytes.length);
        const surface =
          name === "chat-stream" ? "openai" : name === "responses-stream" ? "openai-responses" : "anthropic";
        const relayed = await relay(cutAt(part, borders), surface, path, false);
        if (relayed.code === "") {
          assert.equal(relayed.text, part.toString("utf8"));
          return;
        }
        assert.equal(relayed.code, "upstream_reset");
        assert.ok(text.startsWith(relayed.text));
        assert.match(relayed.text, /^$|(\n|\r)(\n|\r\n?)$/);
      },
    ),
    { numRuns: 150 },
  );
});
