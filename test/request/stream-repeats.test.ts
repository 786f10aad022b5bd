import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { aliceKey, chatStream, paths } from "./bench.ts";
import { type EventPlugin, eventStream, openEventBench } from "./event-plugin.ts";

type Data = { readonly type: string; readonly [name: string]: unknown };

const event = (data: Data) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
const part = (text: string) => ({ type: "output_text", text, annotations: [], logprobs: [{ token: text }] });
const item = (...content: unknown[]) => ({
  id: "m",
  type: "message",
  role: "assistant",
  status: "completed",
  content,
});
const at = { item_id: "m", output_index: 0, content_index: 0 };
const delta = (text: string) =>
  event({ type: "response.output_text.delta", ...at, delta: text, logprobs: [] });
const response = (...output: unknown[]) => ({
  id: "r",
  object: "response",
  created_at: 1,
  status: "completed",
  output,
  usage: null,
});

/** The end of a response, which says its text four times more. */
const ending = (text: string) =>
  event({ type: "response.output_text.done", ...at, text, logprobs: [{ token: text }] }) +
  event({ type: "response.content_part.done", ...at, part: part(text) }) +
  event({ type: "response.output_item.done", output_index: 0, item: item(part(text)) }) +
  event({ type: "response.completed", response: response(item(part(text))) });

const head =
  event({ type: "response.created", response: { ...response(), status: "in_progress" } }) +
  event({ type: "response.output_item.added", output_index: 0, item: item() }) +
  event({
    type: "response.content_part.added",
    ...at,
    part: { type: "output_text", text: "", annotations: [] },
  });

const secret = /secret|sec|ret/;

const maskers: Readonly<Record<string, readonly [plugin: EventPlugin, left: string]>> = {
  "masks the text of an event": [
    { body: "if (event.text === 'secret') return replaceText('***');" },
    "my ***!",
  ],
  "drops an event": [{ body: "if (event.text === 'secret') return dropEvent();" }, "my !"],
  "masks what it held": [
    {
      body: "if (event.text === 'secret') return holdEvent(); if (event.text) return replaceText('<' + event.text + '>', 'drop');",
    },
    "<my ><!>",
  ],
  "replaces the data of an event": [
    { body: "if (event.data.delta === 'secret') return replaceData({ ...event.data, delta: '***' });" },
    "my ***!",
  ],
};

for (const [name, [plugin, left]] of Object.entries(maskers)) {
  test(`a plugin that ${name} is not undone by the events that repeat the text`, async (t) => {
    const body = head + delta("my ") + delta("secret") + delta("!") + ending("my secret!");
    const seen = {
      body: "if (/secret/.test(JSON.stringify(event))) host.log.warn('the next plugin sees it');",
    };
    const { gateway } = await openEventBench(
      t,
      { it: plugin, next: seen },
      { script: { headers: eventStream, body } },
    );
    const openai = new OpenAI({ apiKey: aliceKey, baseURL: `${gateway.url}/v1` });
    const { output_text } = await openai.responses
      .stream({ model: "gpt-4o-mini", input: "x" })
      .finalResponse();
    assert.equal(output_text, left);
    const text = await (await gateway.post(paths["openai-responses"], chatStream)).text();
    assert.doesNotMatch(text, secret);
    const count = text.split(`"text":${JSON.stringify(left)}`).length - 1;
    assert.equal(count, 4);
    assert.ok(!gateway.log.some(({ msg }) => msg === "the next plugin sees it"));
  });
}

test("a whole text of which no piece has come is the text of its event", async (t) => {
  const plugin = { body: "if (event.text) return replaceText(event.text.replace('secret', '***'));" };
  const { gateway } = await openEventBench(
    t,
    { it: plugin },
    { script: { headers: eventStream, body: head + ending("my secret!") } },
  );
  const text = await (await gateway.post(paths["openai-responses"], chatStream)).text();
  assert.doesNotMatch(text, secret);
  assert.equal(text.split('"text":"my ***!"').length - 1, 4);
});

test("arguments of a tool that were changed stay changed", async (t) => {
  const call = {
    id: "f",
    type: "function_call",
    name: "f",
    call_id: "1",
    arguments: '{"a":"secret"}',
    status: "completed",
  };
  const body =
    event({ type: "response.created", response: response() }) +
    event({ type: "response.output_item.added", output_index: 0, item: { ...call, arguments: "" } }) +
    event({
      type: "response.function_call_arguments.delta",
      item_id: "f",
      output_index: 0,
      delta: call.arguments,
    }) +
    event({
      type: "response.function_call_arguments.done",
      item_id: "f",
      output_index: 0,
      arguments: call.arguments,
    }) +
    event({ type: "response.output_item.done", output_index: 0, item: call }) +
    event({ type: "response.completed", response: response(call) });
  const plugin = {
    body: `if (event.data.type === "response.function_call_arguments.delta")
      return replaceData({ ...event.data, delta: event.data.delta.replace("secret", "***") });`,
  };
  const { gateway } = await openEventBench(t, { it: plugin }, { script: { headers: eventStream, body } });
  const text = await (await gateway.post(paths["openai-responses"], chatStream)).text();
  assert.doesNotMatch(text, secret);
  assert.equal(text.split('"arguments":"{\\"a\\":\\"***\\"}"').length - 1, 3);
});

test("where nobody has changed a text the events that repeat it are the bytes that came, even if they differ", async (t) => {
  const body = head + delta("my ") + delta("text") + ending("my other text");
  const { gateway } = await openEventBench(
    t,
    { it: { body: "" } },
    { script: { headers: eventStream, body } },
  );
  assert.equal(await (await gateway.post(paths["openai-responses"], chatStream)).text(), body);
});

for (const [what, body, shown] of [
  ["changed", "if (event.text) return replaceText(event.text.replace('secret', '***'));", false],
  ["left alone", "", true],
] as const) {
  test(`sentences that Gemini says again are ${shown ? "there" : "gone"} when the text was ${what}`, async (t) => {
    const candidate = (more: object) =>
      `data: ${JSON.stringify({ candidates: [{ index: 0, ...more }] })}\r\n\r\n`;
    const groundingMetadata = {
      groundingSupports: [{ segment: { text: "my secret" } }],
      webSearchQueries: ["q"],
    };
    const events =
      candidate({ content: { parts: [{ text: "my secret" }] } }) +
      candidate({ finishReason: "STOP", groundingMetadata });
    const script = { status: 200, headers: eventStream, body: events };
    const { gateway } = await openEventBench(t, { it: { body } }, { script });
    const path = "/v1beta/models/gemini-3-flash:streamGenerateContent?alt=sse";
    const text = await (await gateway.post(path, {})).text();
    assert.equal(secret.test(text), shown);
    assert.match(text, /"webSearchQueries":\["q"\]/);
    assert.equal(text === events, shown);
  });
}
