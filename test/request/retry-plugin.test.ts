import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import OpenAI from "openai";
import { aliceKey, chat, openBench, paths } from "./bench.ts";

const plugins = { retry: await readFile(new URL("../../plugins/retry.wasm", import.meta.url)) };
const retrying = (config: object = {}) => ({
  plugins,
  config: { gateway: { use: [{ plugin: "retry", config: { firstMs: 0, ...config } }] } },
});
const noWait = { "retry-after": null, "retry-after-ms": null };

test("two errors that pass, and OpenAI's SDK sees one good answer, whole and streamed", async (t) => {
  const { gateway, fake } = await openBench(t, retrying());
  const openai = new OpenAI({ apiKey: aliceKey, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
  const messages = [{ role: "user" as const, content: "Grüße" }];

  await fake.play(
    { answer: "error-429", headers: noWait },
    { fault: { kind: "reset", after: "request" } },
    {},
  );
  const { response } = await openai.chat.completions.create({ model: "m", messages }).withResponse();
  assert.equal(response.headers.get("x-sandgate-attempts"), "3");
  assert.equal(fake.received.length, 3);

  await fake.play({ answer: "error-500" }, {});
  const stream = await openai.chat.completions.create({ model: "m", messages, stream: true });
  const chunks = await Array.fromAsync(stream);
  assert.match(chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join(""), /^Grüße!/);
});

test("after the last attempt the client gets the last answer of the upstream", async (t) => {
  const { gateway, fake } = await openBench(t, {
    ...retrying({ attempts: 2 }),
    script: { answer: "error-500" },
  });
  const answer = await gateway.post(paths.openai, chat);
  assert.equal(answer.status, 500);
  assert.equal(answer.headers.get("x-sandgate-attempts"), "2");
  assert.equal(fake.received.length, 2);
});

test("a mistake of the client is not sent again", async (t) => {
  const { gateway, fake } = await openBench(t, { ...retrying(), script: { answer: "error-400" } });
  assert.equal((await gateway.post(paths.openai, chat)).status, 400);
  assert.equal(fake.received.length, 1);
});

test("an upstream that asks for a long wait is left alone, and the client hears how long", async (t) => {
  const script = { answer: "error-429", headers: { "retry-after": "30", "retry-after-ms": null } };
  const { gateway, fake } = await openBench(t, { ...retrying(), script });
  const answer = await gateway.post(paths.openai, chat);
  assert.equal(answer.status, 429);
  assert.equal(answer.headers.get("retry-after"), "30");
  assert.equal(fake.received.length, 1);
});

test("the only target is not asked again before it wants to be", async (t) => {
  const { gateway, fake } = await openBench(t, retrying());
  await fake.play({ answer: "error-429", headers: { "retry-after": null, "retry-after-ms": "300" } }, {});
  const from = performance.now();
  assert.equal((await gateway.post(paths.openai, chat)).status, 200);
  assert.ok(performance.now() - from >= 295);
  assert.equal(fake.received.length, 2);
});

test("the next attempt goes to another target, which need not wait for what the first has asked for", async (t) => {
  const { gateway, fake } = await openBench(t, {
    ...retrying(),
    script: { answer: "error-429", headers: { "retry-after": "30", "retry-after-ms": null } },
  });
  const other = await openBench(t);
  const targets = [
    { url: `${fake.url}/v1`, weight: 100 },
    { url: `${other.fake.url}/v1`, weight: 1 },
  ];
  await gateway.writeConfig({
    ...retrying().config,
    services: { fake: { provider: "openai", targets } },
    routes: { all: { match: { paths: ["/*"] }, service: "fake" } },
  });
  await gateway.running.gateway.reload();
  const answer = await gateway.post(paths.openai, chat);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("x-sandgate-attempts"), "2");
  assert.equal(other.fake.received.length, 1);
});
