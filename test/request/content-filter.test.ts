import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import OpenAI from "openai";
import { openBench, paths } from "./bench.ts";
import { chunk, contentOf, done, eventStream, finish } from "./event-plugin.ts";

const plugins = {
  "content-filter": await readFile(new URL("../../plugins/content-filter.wasm", import.meta.url)),
};
const filtering = (...rules: object[]) => ({
  plugins,
  config: { gateway: { use: [{ plugin: "content-filter", config: { rules } }] } },
});
const says = (content: string) => ({
  body: JSON.stringify({
    ...{ id: "c", object: "chat.completion", created: 1, model: "m" },
    choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
  }),
});
const asks = (content: string) => ({ model: "m", messages: [{ role: "user" as const, content }] });

test("personal data in a request does not reach the upstream, and that of an answer not the client", async (t) => {
  const { gateway, fake } = await openBench(t, {
    ...filtering({ pii: ["email", "iban"], action: "mask" }),
    script: says("Send it to bob@example.com."),
  });
  const openai = new OpenAI({ apiKey: "sk", baseURL: `${gateway.url}/v1`, maxRetries: 0 });
  const { choices } = await openai.chat.completions.create(
    asks("I am anna@example.com, DE89370400440532013000."),
  );
  assert.equal(choices[0]?.message.content, "Send it to [email].");
  const [received] = fake.received;
  assert.deepEqual(JSON.parse(String(received?.body)).messages, asks("I am [email], [iban].").messages);
});

test("a blocked request is not sent, and clients are told once and for all", async (t) => {
  const { gateway, fake } = await openBench(
    t,
    filtering({ name: "names", words: ["falcon"], action: "block" }),
  );
  const openai = new OpenAI({ apiKey: "sk", baseURL: `${gateway.url}/v1`, maxRetries: 2 });
  await assert.rejects(openai.chat.completions.create(asks("What is Falcon?")), {
    status: 403,
    code: "content_filter",
  });
  assert.equal(fake.received.length, 0);
  const anthropic = await gateway.post(paths.anthropic, asks("falcon"));
  assert.equal(anthropic.status, 403);
  assert.equal(anthropic.headers.get("x-should-retry"), "false");
  assert.equal(((await anthropic.json()) as { error: { type: string } }).error.type, "permission_error");
});

test("a blocked answer does not reach the client", async (t) => {
  const { gateway } = await openBench(t, {
    ...filtering({ words: ["falcon"], action: "block", on: ["response"] }),
    script: says("It is the Falcon."),
  });
  const answer = await gateway.post(paths.openai, asks("falcon?"));
  assert.equal(answer.status, 403);
  assert.doesNotMatch(await answer.text(), /falcon/i);
});

test("a regex that takes for ever fails its own request, while others are answered", async (t) => {
  const { gateway } = await openBench(t, filtering({ regex: "(a+)+$", action: "mask" }));
  const evil = gateway.post(paths.openai, asks(`${"a".repeat(60)}!`));
  const good = await Promise.all(Array.from({ length: 10 }, () => gateway.post(paths.openai, asks("hello"))));
  assert.deepEqual(new Set(good.map(({ status }) => status)), new Set([200]));
  assert.equal((await evil).status, 500);
  const line = await gateway.logged((one) => one["outcome"] === "fuel" || one["outcome"] === "deadline");
  assert.equal(line["plugin"], "content-filter");
});

const everything = ["email", "phone", "iban", "credit-card", "ssn", "ipv4", "ipv6", "api-key"];
const key = `sk-proj-${"a1B2".repeat(20)}`;
const streamed: readonly (readonly [said: string, heard: string])[] = [
  [
    "Mail anna.maria@mail.example.co.uk, or call +49 (0)30 1234-5678. Bye",
    "Mail [email], or call [phone]. Bye",
  ],
  ["Pay DE89 3704 0044 0532 0130 00 AND 4111 1111 1111 1111 12/28", "Pay [iban] AND [credit-card] 12/28"],
  [`Key ${key}; from 10.0.0.1 and 2001:db8::ff00:42:8329`, "Key [api-key]; from [ipv4] and [ipv6]"],
  [
    "The Red  Fox, red foxes and a falcon; glass, class, ass",
    "The [names], red foxes and a [names]; glass, class, [names]",
  ],
  [
    "Look at OPS-17 and at ops-\nor 4111 1111 1111 1112",
    "Look at [ticket] and at ops-\nor 4111 1111 1111 1112",
  ],
  [
    "Nothing to see here, 42 times in 2026: 1.5 + 2 = 3.5!",
    "Nothing to see here, 42 times in 2026: 1.5 + 2 = 3.5!",
  ],
];
const mask = filtering(
  { pii: everything, action: "mask" },
  { name: "names", words: ["falcon", "red fox", "ass"], action: "mask" },
  { name: "ticket", regex: "\\b[A-Z]{2,5}-\\d+\\b", action: "mask" },
);
const asksForStream = { ...asks("go on"), stream: true };

test("in a stream the same is masked as in a whole answer, wherever the model's words are cut", async (t) => {
  const { gateway, fake } = await openBench(t, mask);
  for (const [said, heard] of streamed) {
    for (const size of [1, 2, 3, 5, 8, 21, 200]) {
      const pieces = said.match(new RegExp(`.{1,${size}}`, "gs")) ?? [];
      await fake.play({
        headers: eventStream,
        body: pieces.map((piece) => chunk(piece)).join("") + finish + done,
      });
      const answer = await gateway.post(paths.openai, asksForStream);
      const text = await answer.text();
      assert.equal(contentOf(text), heard, `${said} in pieces of ${size}`);
      assert.ok(text.endsWith(finish + done), text);
    }
  }
});

for (const surface of ["anthropic", "openai-responses"] as const) {
  test(`what a stream repeats at its end is masked too: ${surface}`, async (t) => {
    const { gateway } = await openBench(t, {
      ...filtering({ name: "greeting", words: ["hello", "hi there"], action: "mask" }),
      script: { answer: surface === "anthropic" ? "anthropic-stream" : "responses-stream" },
    });
    const text = await (await gateway.post(paths[surface], asksForStream)).text();
    const said = [...text.matchAll(/"(?:delta|text)":"([^"]*)"/g)].map(([, piece]) => piece).join("");
    assert.match(said, /\[greeting\]!/);
    assert.doesNotMatch(text, /hello|there/i);
  });
}

test("words that hide nothing go to the client while the model is still talking", {
  timeout: 10_000,
}, async (t) => {
  const { promise: goOn, resolve } = Promise.withResolvers<void>();
  async function* body() {
    yield Buffer.from(chunk("All is") + chunk(" well, and") + chunk(" so"));
    await goOn;
    yield Buffer.from(chunk(" on.") + finish + done);
  }
  const { gateway } = await openBench(t, {
    ...filtering({ pii: everything, action: "mask" }, { words: ["so on and on", "falcon"], action: "mask" }),
    script: { headers: eventStream, body: body() },
  });
  t.signal.addEventListener("abort", () => resolve());
  const answer = await gateway.post(paths.openai, asksForStream);
  let seen = "";
  for await (const bytes of answer.body ?? []) {
    seen += Buffer.from(bytes).toString();
    if (contentOf(seen).startsWith("All is")) resolve();
  }
  assert.equal(contentOf(seen), "All is well, and so on.");
});

test("what blocks ends the stream with an error, and nothing of it has gone out", async (t) => {
  const { gateway, fake } = await openBench(
    t,
    filtering({ name: "names", words: ["falcon"], action: "block" }),
  );
  const openai = new OpenAI({ apiKey: "sk", baseURL: `${gateway.url}/v1`, maxRetries: 0 });
  const body = chunk("It is") + chunk(" the fal") + chunk("con") + chunk(", of course") + finish + done;
  await fake.play({ headers: eventStream, body });
  const heard: string[] = [];
  await assert.rejects(async () => {
    const stream = await openai.chat.completions.create({ ...asks("go on"), stream: true });
    for await (const { choices } of stream) heard.push(choices[0]?.delta.content ?? "");
  }, /blocked by the content filter: names/);
  assert.equal(heard.join(""), "It is");
});
