import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import OpenAI from "openai";
import { readAnswer } from "#test/fake-upstream/answer-file.ts";
import { compileSources } from "#test/sdk/source-plugin.ts";
import { aliceKey, type Bench, type BenchOptions, chatStream, openBench, paths } from "./bench.ts";
import { chunk, compileEventPlugin, contentOf, done, eventStream, finish } from "./event-plugin.ts";

type PostPlugin = {
  /** Of the hook. */
  readonly declares: object;
  /** Of `postRequest(input, host)`. */
  readonly body: string;
  readonly binding?: object;
};

/** A gateway with the plugin `it`, which has this post-request hook, before a fake upstream. */
async function openPost(
  t: TestContext,
  { declares, body, binding }: PostPlugin,
  options: BenchOptions = {},
): Promise<Bench> {
  const { wasm } = await compileSources(
    t,
    `import { definePlugin } from "@sandgate/plugin-sdk";
import { patchResponseBody, refuse, replaceResponseBody, setResponseHeader, tag } from "@sandgate/plugin-sdk/effects";
export default definePlugin({
  name: "it",
  version: "1.0.0",
  hooks: { post_request: ${JSON.stringify(declares)} },
  postRequest(input: any, host: any): any { ${body} },
});
`,
  );
  return openBench(t, {
    ...options,
    plugins: { it: wasm, ...options.plugins },
    config: { gateway: { use: [{ plugin: "it", ...binding }] }, ...options.config },
  });
}

const logsBody = "host.log.info(JSON.stringify(input.response.body ?? null));";
const readsAtEnd = { reads: ["response.body"], writes: ["tags"], at: "completion" };
const reads = { reads: ["response.body"], writes: ["tags"] };

for (const [what, declares] of [
  ["a completion step", readsAtEnd],
  ["a step at the headers that asks for tags at most", reads],
] as const) {
  for (const [path, answer, said] of [
    [paths.openai, "chat-stream", '"content":"Grüße! Schön dich zu sehen 👋"'],
    [paths["openai-responses"], "responses-stream", '"text":"Hi there!"'],
    [paths.anthropic, "anthropic-stream", '"text":"Hello!"'],
  ] as const) {
    test(`${what} gets the message of a stream, which passes as it comes: ${answer}`, async (t) => {
      const { gateway } = await openPost(
        t,
        { declares, body: logsBody },
        { script: { answer, chunkBytes: 50 } },
      );
      const text = await (await gateway.post(path, chatStream)).text();
      assert.equal(text, String(readAnswer(answer).body));
      const { msg } = await gateway.logged((line) => line["plugin"] === "it");
      assert.ok(msg.includes(said), msg);
    });
  }

  test(`${what}: the first event is with the client before the last has come`, async (t) => {
    const seen = Promise.withResolvers<void>();
    async function* events() {
      yield Buffer.from(chunk("a"));
      await seen.promise;
      yield Buffer.from(finish + done);
    }
    const script = { headers: eventStream, body: events() };
    const { gateway } = await openPost(t, { declares, body: logsBody }, { script });
    const response = await gateway.post(paths.openai, chatStream);
    for await (const _chunk of response.body ?? []) seen.resolve();
    await gateway.logged((line) => line["plugin"] === "it");
  });
}

test("the message is that of the events as plugins have left them", async (t) => {
  const loud = await compileEventPlugin(t, "loud", {
    body: "if (event.text) return replaceText(event.text.toUpperCase());",
  });
  const { gateway } = await openPost(
    t,
    { declares: reads, body: logsBody },
    {
      plugins: { loud },
      script: { headers: eventStream, body: chunk("hi ") + chunk("you") + finish + done },
      config: { gateway: { use: [{ plugin: "loud" }, { plugin: "it" }] } },
    },
  );
  await (await gateway.post(paths.openai, chatStream)).text();
  const { msg } = await gateway.logged((line) => line["plugin"] === "it");
  assert.ok(msg.includes('"content":"HI YOU"'), msg);
});

test("of a stream that breaks off the completion step gets what came", async (t) => {
  const { gateway } = await openPost(
    t,
    { declares: readsAtEnd, body: logsBody },
    { script: { headers: eventStream, body: chunk("half") } },
  );
  await (await gateway.post(paths.openai, chatStream)).text();
  const { msg } = await gateway.logged((line) => line["plugin"] === "it");
  assert.ok(msg.includes('"content":"half"') && msg.includes('"finish_reason":null'), msg);
});

test("of a stream that its client leaves the completion step gets what came", async (t) => {
  const { gateway } = await openPost(
    t,
    { declares: readsAtEnd, body: logsBody },
    { script: { headers: eventStream, body: chunk("half"), fault: { kind: "stall", after: 10_000 } } },
  );
  const response = await gateway.post(paths.openai, chatStream);
  const reader = response.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  const { msg } = await gateway.logged((line) => line["plugin"] === "it");
  assert.ok(msg.includes('"content":"half"'), msg);
});

test("a step that reads the message and may refuse is not passed by: the stream waits for it", async (t) => {
  const plugin = {
    declares: { reads: ["response.body"], writes: ["respond"] },
    body: `if (JSON.stringify(input.response.body).includes("dich")) return refuse(403, "Not this.", "unwanted");`,
  };
  const { gateway } = await openPost(t, plugin);
  const response = await gateway.post(paths.openai, chatStream);
  assert.equal(response.status, 403);
  assert.equal(JSON.parse(await response.text()).error.code, "unwanted");
});

test("a plugin that decides about events too does not wait for the message of a stream", async (t) => {
  const { wasm } = await compileSources(
    t,
    `import { definePlugin } from "@sandgate/plugin-sdk";
import { refuse, replaceText } from "@sandgate/plugin-sdk/effects";
export default definePlugin({
  name: "both",
  version: "1.0.0",
  hooks: {
    post_request: { reads: ["response.body"], writes: ["respond"] },
    post_request_event: { reads: ["event"], writes: ["event"] },
  },
  postRequest: () => refuse(403, "No."),
  postRequestEvent: ({ event }) => (event.text === "" ? undefined : replaceText(event.text + "!")),
});
`,
  );
  const { gateway, fake } = await openBench(t, {
    plugins: { both: wasm },
    script: { headers: eventStream, body: chunk("a") + finish + done },
    config: { gateway: { use: [{ plugin: "both" }] } },
  });
  assert.equal(await (await gateway.post(paths.openai, chatStream)).text(), chunk("a!") + finish + done);
  await fake.play({});
  assert.equal((await gateway.post(paths.openai, { ...chatStream, stream: false })).status, 403);
});

test("a step that waits for the message and changes nothing leaves every byte", async (t) => {
  const plugin = {
    declares: { reads: ["response.body"], writes: ["response.body", "response.headers"] },
    body: `return setResponseHeader("x-id", input.response.body.id);`,
  };
  const { gateway } = await openPost(t, plugin, { script: { answer: "chat-stream" } });
  const response = await gateway.post(paths.openai, chatStream);
  assert.equal(response.headers.get("x-id"), "chatcmpl-CaXq9Zd4");
  assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/);
  assert.equal(await response.text(), String(readAnswer("chat-stream").body));
});

const shouting = {
  declares: { reads: ["response.body"], writes: ["response.body"] },
  body: `const body = JSON.parse(JSON.stringify(input.response.body), (key, value) =>
    (key === "content" || key === "text") && typeof value === "string" ? value.toUpperCase() : value);
    return replaceResponseBody(body);`,
};

test("a changed message is a stream again, which OpenAI's client reads: chat completions", async (t) => {
  const { gateway } = await openPost(t, shouting);
  const openai = new OpenAI({ apiKey: aliceKey, baseURL: `${gateway.url}/v1` });
  const asked = {
    model: "gpt-4o-mini",
    messages: [{ role: "user" as const, content: "x" }],
    stream: true as const,
  };
  const chunks = await Array.fromAsync(await openai.chat.completions.create(asked));
  assert.equal(
    chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join(""),
    "GRÜSSE! SCHÖN DICH ZU SEHEN 👋",
  );
  assert.equal(chunks.at(-1)?.choices[0]?.finish_reason, "stop");
  assert.ok(
    chunks.every(({ usage }) => !usage),
    "the client has not asked for usage",
  );
});

test("a changed message is a stream again, which OpenAI's client reads: responses", async (t) => {
  const { gateway } = await openPost(t, shouting);
  const openai = new OpenAI({ apiKey: aliceKey, baseURL: `${gateway.url}/v1` });
  const stream = openai.responses.stream({ model: "gpt-4o-mini", input: "x" });
  const response = await stream.finalResponse();
  assert.equal(response.output_text, "HI THERE!");
});

test("a changed message is a stream again: messages of Anthropic", async (t) => {
  const { gateway } = await openPost(t, shouting);
  const text = await (await gateway.post(paths.anthropic, chatStream)).text();
  assert.match(text, /^event: message_start\n/);
  assert.match(text, /"text_delta","text":"HELLO!"/);
  assert.match(text, /event: message_stop\ndata: \{"type":"message_stop"\}\n\n$/);
});

test("a body that is no message cannot be a stream", async (t) => {
  const plugin = { ...shouting, body: `return replaceResponseBody({ not: "a message" });` };
  const { gateway } = await openPost(t, plugin);
  const response = await gateway.post(paths.openai, chatStream);
  assert.equal(response.status, 500);
  assert.equal(JSON.parse(await response.text()).error.code, "plugin_failed");
});

test("a stream that waits and is longer than the host holds is refused", async (t) => {
  function* endless() {
    for (;;) yield Buffer.from(chunk("x".repeat(500_000)));
  }
  const { gateway } = await openPost(t, shouting, { script: { headers: eventStream, body: endless() } });
  const response = await gateway.post(paths.openai, chatStream);
  assert.equal(response.status, 502);
  assert.equal(JSON.parse(await response.text()).error.code, "upstream_invalid");
});

test("an event hook that stops a stream which waits makes it an error with a status", async (t) => {
  const stop = await compileEventPlugin(t, "stop", {
    body: "if (event.text === 'b') return stopStream('Not this.');",
  });
  const { gateway } = await openPost(t, shouting, {
    plugins: { stop },
    script: { headers: eventStream, body: chunk("a") + chunk("b") + finish + done },
    config: { gateway: { use: [{ plugin: "stop" }, { plugin: "it", onFailure: "open" }] } },
  });
  const response = await gateway.post(paths.openai, chatStream);
  const text = await response.text();
  assert.deepEqual([response.status, JSON.parse(text).error.code], [403, "blocked"]);
  assert.equal(contentOf(text), "");
});
