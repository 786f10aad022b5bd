import assert from "node:assert/strict";
import { test } from "node:test";
import { upstreamLimits } from "#host/limits.ts";
import type { Surface } from "#host/surface.ts";
import { assembleMessage, messageFormat } from "#host/upstream/messages/message.ts";
import type { Json } from "#sdk/abi/from-schema.ts";
import { readAnswer } from "#test/fake-upstream/answer-file.ts";
import { eventsOf } from "./events-of.ts";

/** The message that these events say. */
async function assembled(surface: Surface, text: string | Uint8Array): Promise<Json | undefined> {
  const message = assembleMessage(surface);
  for (const event of await eventsOf(surface, text)) message.take(event);
  return message.value();
}

/** As events with this data, in order. */
const stream = (...data: readonly Json[]) => data.map((one) => `data: ${JSON.stringify(one)}\n\n`).join("");

test("a recorded chat completion is put together", async () => {
  const message = await assembled("openai", readAnswer("chat-stream-usage").body);
  const { usage, ...rest } = message as { usage: { total_tokens: number } };
  assert.equal(usage.total_tokens, 28);
  assert.deepEqual(rest, {
    id: "chatcmpl-CaXq9Zd4",
    object: "chat.completion",
    created: 1763990401,
    model: "gpt-4o-mini-2024-07-18",
    service_tier: "default",
    system_fingerprint: "fp_560af6e559",
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          content: "Grüße! Schön dich zu sehen 👋",
          refusal: null,
        },
        logprobs: null,
        finish_reason: "stop",
      },
    ],
  });
});

test("a recorded response is the one that its last event has", async () => {
  const message = (await assembled("openai-responses", readAnswer("responses-stream").body)) as {
    status: string;
  };
  assert.equal(message.status, "completed");
});

test("a recorded message of Anthropic is put together", async () => {
  assert.deepEqual(await assembled("anthropic", readAnswer("anthropic-stream").body), {
    id: "msg_1nZdL29xx5MUA1yADyHTEsnR8uuvGzszyY",
    type: "message",
    role: "assistant",
    content: [{ type: "text", text: "Hello!" }],
    model: "claude-sonnet-4-5-20250929",
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: {
      input_tokens: 25,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      output_tokens: 15,
    },
  });
});

test("tool calls are merged by their index, choices by theirs", async () => {
  const call = (index: number, more: object) => ({ tool_calls: [{ index, ...more }] });
  const choice = (index: number, delta: Json, finish_reason: string | null = null) => ({
    choices: [{ index, delta, finish_reason }],
  });
  const message = await assembled(
    "openai",
    stream(
      choice(1, { role: "assistant", content: "B" }),
      choice(0, call(1, { id: "two", type: "function", function: { name: "g", arguments: "" } })),
      choice(0, call(0, { id: "one", type: "function", function: { name: "f", arguments: '{"a"' } })),
      choice(0, call(0, { function: { arguments: ":1}" } })),
      choice(0, call(1, { function: { arguments: "{}" } })),
      choice(0, {}, "tool_calls"),
      choice(1, { content: "b" }, "stop"),
    ),
  );
  const { choices } = message as { choices: { message: Json; finish_reason: string }[] };
  assert.deepEqual(choices[0]?.message, {
    role: "assistant",
    content: null,
    refusal: null,
    tool_calls: [
      { id: "one", type: "function", function: { name: "f", arguments: '{"a":1}' } },
      { id: "two", type: "function", function: { name: "g", arguments: "{}" } },
    ],
  });
  assert.deepEqual([choices[0]?.finish_reason, choices[1]?.finish_reason], ["tool_calls", "stop"]);
});

test("what came of a stream that broke off is the message", async () => {
  const text = String(readAnswer("responses-stream").body);
  const cut = text.slice(0, text.indexOf("event: response.output_text.done"));
  const message = (await assembled("openai-responses", cut)) as { status: string; output: Json };
  assert.equal(message.status, "in_progress");
  assert.deepEqual((message.output as { content: { text: string }[] }[])[0]?.content[0]?.text, "Hi there!");
  const blocks = await assembled(
    "anthropic",
    stream(
      { type: "message_start", message: { content: [] } },
      { type: "content_block_start", index: 0, content_block: { type: "tool_use", input: {} } },
      { type: "content_block_delta", index: 0, delta: { type: "input_json_delta", partial_json: '{"a":' } },
    ),
  );
  assert.deepEqual(blocks, { content: [{ type: "tool_use", input: '{"a":' }] });
});

for (const surface of ["openai", "openai-responses", "anthropic", "gemini"] as const) {
  test(`events that are none of an answer make no message: ${surface}`, async () => {
    const odd = [null, 1, "[DONE]", [], {}, { type: "content_block_delta", index: 9 }, { type: 3 }];
    for (const data of odd) {
      assert.equal(await assembled(surface, stream(data)), undefined, JSON.stringify(data));
    }
    const hostile =
      '{"choices":[{"index":0,"delta":{"__proto__":{"x":1},"content":"a"}}],"__proto__":{"polluted":1}}';
    await assembled(surface, `data: ${hostile}\n\n`);
    assert.equal(({} as { polluted?: number }).polluted, undefined);
  });
}

test("a stream that is longer than the host holds has no message", async () => {
  const [event] = await eventsOf(
    "openai",
    stream({ choices: [{ delta: { content: "x".repeat(900_000) } }] }),
  );
  assert.ok(event);
  const message = assembleMessage("openai");
  for (let bytes = 0; bytes < upstreamLimits.bufferedBodyBytes; bytes += event.bytes.length) {
    assert.notEqual(message.value(), null);
    message.take(event);
  }
  assert.equal(message.value(), undefined);
});

const whole: readonly (readonly [name: string, surface: Surface, message: Json])[] = [
  ...(["chat", "responses", "anthropic-message"] as const).map((name) => {
    const surface = (
      { chat: "openai", responses: "openai-responses", "anthropic-message": "anthropic" } as const
    )[name];
    return [name, surface, JSON.parse(String(readAnswer(name).body))] as const;
  }),
  [
    "chat with tools",
    "openai",
    {
      id: "c",
      object: "chat.completion",
      choices: [
        {
          index: 0,
          message: {
            role: "assistant",
            content: null,
            refusal: null,
            tool_calls: [{ id: "1", type: "function", function: { name: "f", arguments: '{"a":1}' } }],
          },
          logprobs: null,
          finish_reason: "tool_calls",
        },
      ],
    },
  ],
  [
    "a completion",
    "openai",
    {
      id: "c",
      object: "text_completion",
      choices: [{ index: 0, text: "hi", logprobs: null, finish_reason: "length" }],
    },
  ],
  [
    "a response with a tool call, a refusal and an item of another kind",
    "openai-responses",
    {
      id: "r",
      object: "response",
      status: "incomplete",
      output: [
        { id: "x", type: "reasoning", summary: [{ type: "summary_text", text: "hm" }] },
        {
          id: "f",
          type: "function_call",
          name: "f",
          call_id: "1",
          arguments: '{"a":1}',
          status: "completed",
        },
        {
          id: "m",
          type: "message",
          role: "assistant",
          status: "completed",
          content: [
            { type: "refusal", refusal: "no" },
            { type: "output_text", text: "hi", annotations: [] },
          ],
        },
      ],
      usage: null,
    },
  ],
  [
    "a message with thoughts, tools and citations",
    "anthropic",
    {
      id: "m",
      type: "message",
      role: "assistant",
      content: [
        { type: "thinking", thinking: "hm", signature: "abc" },
        { type: "text", text: "hi", citations: [{ cited_text: "x" }] },
        { type: "tool_use", id: "t", name: "f", input: { a: [1] } },
        { type: "tool_use", id: "u", name: "g", input: {} },
      ],
      stop_reason: "tool_use",
      stop_sequence: null,
      usage: { input_tokens: 1, output_tokens: 2 },
    },
  ],
  [
    "candidates",
    "gemini",
    {
      candidates: [
        {
          content: {
            parts: [{ text: "hm", thought: true }, { text: "hi" }, { functionCall: { name: "f" } }],
            role: "model",
          },
          finishReason: "STOP",
          index: 0,
        },
      ],
      usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 2 },
    },
  ],
];

for (const [name, surface, message] of whole) {
  test(`a message as a stream, put together, is the same message: ${name}`, async () => {
    const events = messageFormat(surface).eventsOf(message) ?? assert.fail("it is no message");
    const again = await assembled(surface, events);
    if (name !== "chat") return assert.deepEqual(again, message);
    // A stream has no place for what OpenAI has in whole answers alone.
    const { choices, ...rest } = message as { choices: { message: { annotations: Json } }[] };
    const { annotations: _annotations, ...said } = choices[0]?.message ?? assert.fail();
    assert.deepEqual(again, { ...rest, choices: [{ ...choices[0], message: said }] });
    return undefined;
  });
}

test("what is no message has no events", () => {
  for (const surface of ["openai", "openai-responses", "anthropic", "gemini"] as const) {
    for (const odd of [null, 1, "text", [], {}, { choices: 1, output: 1, content: 1, candidates: 1 }]) {
      assert.equal(messageFormat(surface).eventsOf(odd as Json), null);
    }
  }
});
