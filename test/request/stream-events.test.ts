import assert from "node:assert/strict";
import { test } from "node:test";
import type { Surface } from "#host/surface.ts";
import { readAnswer } from "#test/fake-upstream/answer-file.ts";
import { chatStream, paths } from "./bench.ts";
import {
  chunk,
  contentOf,
  done,
  type EventPlugin,
  eventStream,
  finish,
  openEventBench,
} from "./event-plugin.ts";

const recorded = {
  openai: "chat-stream-usage",
  "openai-responses": "responses-stream",
  anthropic: "anthropic-stream",
} as const;

for (const [surface, name] of Object.entries(recorded) as [keyof typeof recorded, string][]) {
  test(`events that three plugins pass are the bytes that came: ${surface}`, async (t) => {
    const pass = { body: "if (event.index % 2) return passEvent();" };
    const { gateway } = await openEventBench(
      t,
      { one: pass, two: pass, three: pass },
      { script: { answer: name, chunkBytes: 33 } },
    );
    const body = { ...chatStream, stream_options: { include_usage: true } };
    const response = await gateway.post(paths[surface], body);
    assert.equal(await response.text(), String(readAnswer(name).body));
  });
}

/** A plugin, the events of a chat completion, and what becomes of them. */
const decisions: Readonly<Record<string, readonly [plugin: EventPlugin, sent: string, got: string]>> = {
  "a text is replaced in its event, and what says it token by token is gone": [
    { body: "if (event.text) return replaceText(event.text.toUpperCase());" },
    chunk("one") + chunk(" two", { logprobs: { content: [{ token: "two" }] } }) + finish + done,
    chunk("ONE") + chunk(" TWO", { logprobs: null }) + finish + done,
  ],
  "data is replaced, and the other lines of its event stay": [
    { body: "if (event.name) return replaceData({ choices: [], is: event.name });" },
    `id: 7\r\nevent: odd\r\n: note\r\ndata: {"choices":\r\ndata: []}\r\n\r\n${done}`,
    `id: 7\r\nevent: odd\r\n: note\r\ndata: {"choices":[],"is":"odd"}\r\n\r\n${done}`,
  ],
  "data that is a text is replaced by a text of two lines": [
    { body: "if (event.data === 'plain') return replaceData('a\\nb');" },
    `data: plain\n\n${done}`,
    `data: a\ndata: b\n\n${done}`,
  ],
  "an event is dropped, and counted all the same": [
    { body: "if (event.text) return event.index === 1 ? dropEvent() : replaceText(String(event.index));" },
    chunk("a") + chunk("b") + chunk("c") + finish + done,
    chunk("0") + chunk("2") + finish + done,
  ],
  "what is held passes before the event that follows, byte for byte": [
    { body: "if (event.text === 'a' || event.text === 'b') return holdEvent();" },
    chunk("a") + chunk("b") + chunk("c") + finish + done,
    chunk("a") + chunk("b") + chunk("c") + finish + done,
  ],
  "what is held is in the event's text, and dropped for it": [
    {
      body: `const text = event.held.map((one: any) => one.text).join("") + event.text;
        if (event.text && !text.endsWith(".")) return holdEvent();
        if (event.text) return replaceText(text.replace("secret", "***"), "drop");`,
    },
    chunk("my sec") + chunk("r") + chunk("et.") + chunk("it is.") + finish + done,
    chunk("my ***.") + chunk("it is.") + finish + done,
  ],
  "at the end a text takes the place of what is held": [
    {
      body: `if (event.text) return holdEvent();
        if (event.held.length) return replaceText(event.held.map((one: any) => one.text).join("").replace("secret", "***"), "drop");`,
    },
    chunk("my sec") + chunk("ret") + finish + done,
    chunk("my ***") + finish + done,
  ],
  "hold with pass lets go of what was held before": [
    {
      body: "if (event.text) return holdEvent('pass'); return dropIfHeld(event);",
      before: `const dropIfHeld = (event: any) =>
      event.held.length ? { type: "event", action: "pass", held: "drop" } as const : undefined;`,
    },
    chunk("a") + chunk("b") + finish + done,
    chunk("a") + finish + done,
  ],
  "a plugin that stops lets go of nothing that it holds": [
    {
      body: "return event.text === 'ret' ? stopStream('No.') : event.text === 'sec' ? holdEvent() : undefined;",
    },
    chunk("my ") + chunk("sec") + chunk("ret") + finish + done,
    `${chunk("my ")}data: ${JSON.stringify({ error: { message: "No.", type: "invalid_request_error", param: null, code: "blocked" } })}\n\n`,
  ],
  "a decision is about what is held of the same choice alone": [
    {
      body: `if (!event.text) return passEvent();
        const all = event.held.map((one: any) => one.text).join("") + event.text;
        return all.length < 4 ? holdEvent() : replaceText(all + "!", "drop");`,
    },
    chunk("ab") + chunk("xy", { index: 1 }) + chunk("cd") + chunk("zw", { index: 1 }) + finish + done,
    chunk("abcd!") + chunk("xyzw!", { index: 1 }) + finish + done,
  ],
  "comments, ids and empty events pass by": [
    { body: "return event.text ? replaceText(String(event.index)) : undefined;" },
    `: hello\n\nretry: 5\n\nid: 3\n\n\n${chunk("a")}: bye\n\n${done}`,
    `: hello\n\nretry: 5\n\nid: 3\n\n\n${chunk("0")}: bye\n\n${done}`,
  ],
  "a plugin that only observes changes nothing": [
    { body: "return stopStream('no');", binding: { effect: "observe" } },
    chunk("a") + done,
    chunk("a") + done,
  ],
  "a plugin that only observes holds nothing, and decides as if it did": [
    {
      body: `if (event.text) return holdEvent();
        if (event.held.length) return replaceText("x", "drop");`,
      binding: { effect: "observe", onFailure: "closed" },
    },
    chunk("a") + chunk("b") + finish + done,
    chunk("a") + chunk("b") + finish + done,
  ],
  "a plugin whose condition does not hold is not asked": [
    { body: "throw new Error('asked');", binding: { when: { models: ["other*"] } } },
    chunk("a") + done,
    chunk("a") + done,
  ],
};

for (const [name, [plugin, sent, got]] of Object.entries(decisions)) {
  test(name, async (t) => {
    const { gateway } = await openEventBench(
      t,
      { it: plugin },
      { script: { headers: eventStream, body: sent } },
    );
    const response = await gateway.post(paths.openai, chatStream);
    assert.equal(await response.text(), got);
  });
}

test("each plugin sees what the one before has left", async (t) => {
  const { gateway } = await openEventBench(
    t,
    {
      first: {
        body: "if (event.text === 'b') return dropEvent(); if (event.text) return replaceText(event.text + event.text);",
      },
      second: { body: "if (event.text) return replaceText(event.index + event.text);" },
    },
    { script: { headers: eventStream, body: chunk("a") + chunk("b") + chunk("c") + finish + done } },
  );
  const text = await (await gateway.post(paths.openai, chatStream)).text();
  assert.equal(contentOf(text), "0aa2cc");
});

test("tags of an event hook are there for the next event and at completion", async (t) => {
  const counting = {
    reads: ["context.tags"],
    body: "return tag('events', String(Number(input.context.tags.events ?? 0) + 1));",
  };
  const { gateway } = await openEventBench(
    t,
    {
      count: counting,
      show: { reads: ["context.tags"], body: "if (event.last) host.log.info(input.context.tags.events);" },
    },
    { script: { headers: eventStream, body: chunk("a") + chunk("b") + finish + done } },
  );
  await (await gateway.post(paths.openai, chatStream)).text();
  await gateway.logged(({ msg }) => msg === "4");
});

const texts: Readonly<
  Record<Exclude<Surface, "openai">, readonly [path: string, event: string, changed: string]>
> = {
  "openai-responses": [
    paths["openai-responses"],
    'data: {"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"hi","logprobs":[{"token":"hi"}]}\n\n',
    'data: {"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"HI","logprobs":[]}\n\n',
  ],
  anthropic: [
    paths.anthropic,
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}}\n\n',
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"HI"}}\n\n',
  ],
  gemini: [
    "/v1beta/models/gemini-3-flash:streamGenerateContent?alt=sse",
    'data: {"candidates":[{"content":{"parts":[{"text":"deep","thought":true},{"text":"h"},{"text":"i"}]},"finishReason":"STOP"}]}\r\n\r\n',
    'data: {"candidates":[{"content":{"parts":[{"text":"deep","thought":true},{"text":"HI"},{"text":""}]},"finishReason":"STOP"}]}\r\n\r\n',
  ],
};

for (const [surface, [path, event, changed]] of Object.entries(texts)) {
  test(`the text of an event and its new one are where the API has them: ${surface}`, async (t) => {
    const plugin = {
      body: "if (event.text === 'hi') return replaceText('HI'); host.log.info('other: ' + event.text);",
    };
    const { gateway } = await openEventBench(
      t,
      { it: plugin },
      { script: { status: 200, headers: eventStream, body: event } },
    );
    const text = await (await gateway.post(path, chatStream)).text();
    assert.equal(text.slice(0, changed.length), changed);
  });
}
