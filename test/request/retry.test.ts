import assert from "node:assert/strict";
import { performance } from "node:perf_hooks";
import { test } from "node:test";
import OpenAI from "openai";
import { compileSources } from "#test/sdk/source-plugin.ts";
import { watPlugin } from "#test/wat-plugin.ts";
import { aliceKey, chat, chatStream, openBench, paths, targetKey, within } from "./bench.ts";
import { eventually } from "./eventually.ts";
import { scrape, total } from "./metrics.ts";

const again = (delayMs: number) =>
  watPlugin(
    { name: "again", hooks: { error: { writes: ["retry"] } } },
    { error: [{ type: "retry", delayMs }] },
  );
const withAgain = (delayMs = 0) => ({
  plugins: { again: again(delayMs) },
  config: { gateway: { use: [{ plugin: "again" }] } },
});

const noWait = { "retry-after": null, "retry-after-ms": null };

const patient = `import { definePlugin } from "@sandgate/plugin-sdk";
export default definePlugin({
  name: "patient",
  version: "1.0.0",
  hooks: { error: { reads: ["error", "context.attempt", "context.targets"], writes: ["retry", "fallback"] } },
  error({ error, context }) {
    if (error.blame !== "upstream") return [];
    if (context.attempt === 1) return { type: "retry", delayMs: 20 };
    return context.targets?.every(({ healthy }) => healthy) ? { type: "fallback", model: "small" } : [];
  },
});
`;

test("a TypeScript plugin that retries, then falls back: OpenAI's SDK sees one good answer", async (t) => {
  const { wasm } = await compileSources(t, patient);
  const { gateway, fake } = await openBench(t, {
    plugins: { patient: wasm },
    config: { gateway: { use: [{ plugin: "patient" }] } },
  });
  const openai = new OpenAI({ apiKey: aliceKey, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
  const messages = [{ role: "user" as const, content: "Grüße" }];
  const models = () => fake.received.splice(0).map(({ body }) => JSON.parse(String(body)).model);

  await fake.play({ answer: "error-500" }, { fault: { kind: "reset", after: "request" } }, {});
  const { data, response } = await openai.chat.completions
    .create({ model: "large", messages })
    .withResponse();
  assert.match(data.choices[0]?.message.content ?? "", /^Grüße!/);
  assert.equal(response.headers.get("x-sandgate-attempts"), "3");
  assert.deepEqual(models(), ["large", "large", "small"]);

  await fake.play({ answer: "error-500" }, {});
  const stream = await openai.chat.completions.create({ model: "large", messages, stream: true });
  const chunks = await Array.fromAsync(stream);
  assert.match(chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join(""), /^Grüße!/);
  assert.deepEqual(models(), ["large", "large"]);

  await fake.play({ answer: "error-400" });
  await assert.rejects(openai.chat.completions.create({ model: "large", messages }), { status: 400 });
  assert.deepEqual(models(), ["large"]);
});

test("every attempt is counted by service, target and result, and one that failed has a line of the log", async (t) => {
  const { gateway, fake } = await openBench(t, withAgain());
  await fake.play(
    { answer: "error-429", headers: noWait },
    { fault: { kind: "reset", after: "request" } },
    {},
  );
  const answer = await gateway.post(paths.openai, chat);
  assert.equal(answer.status, 200);
  const requestId = answer.headers.get("x-request-id");
  const target = `${fake.url}/v1`;
  const samples = await scrape(gateway);
  for (const result of ["429", "upstream_reset", "200"]) {
    const labels = { service: "fake", target, result };
    assert.equal(total(samples, "sandgate_upstream_attempts_total", labels), 1, result);
  }
  assert.equal(total(samples, "sandgate_requests_total"), 1);
  const lines = gateway.log.filter(({ msg }) => msg === "an attempt at an upstream failed; another follows");
  assert.partialDeepStrictEqual(lines, [
    { requestId, attempt: 1, service: "fake", target, status: 429, code: "upstream_error" },
    { requestId, attempt: 2, service: "fake", target, status: null, code: "upstream_reset" },
  ]);
  assert.ok(!JSON.stringify([gateway.log, samples]).includes(targetKey));
});

test("an error of the upstream that becomes the answer has a line too, at the level of its blame", async (t) => {
  const { gateway, fake } = await openBench(t, withAgain());
  const expected = [
    ["error-400", "info", 400],
    ["error-500", "warn", 500],
  ] as const;
  for (const [answer, level, status] of expected) {
    await fake.play({ answer });
    await gateway.post(paths.openai, chat);
    const line = await gateway.logged(
      (one) => one.msg === "an attempt at an upstream failed" && one["status"] === status,
    );
    assert.partialDeepStrictEqual(line, { level, attempt: 3, code: "upstream_error" });
  }
});

test("a retry of the same target waits as long as the upstream says, when the plugin asks for less", async (t) => {
  const { gateway, fake } = await openBench(t, withAgain(1));
  await fake.play({ answer: "error-429", headers: { "retry-after-ms": "300" } }, {});
  const startMs = performance.now();
  const answer = await gateway.post(paths.openai, chat);
  assert.equal(answer.status, 200);
  assert.ok(performance.now() - startMs >= 295);
});

for (const [what, headers] of [
  ["seconds", { "retry-after-ms": "", "retry-after": "100" }],
  ["a date", { "retry-after-ms": "", "retry-after": new Date(Date.now() + 100_000).toUTCString() }],
] as const) {
  test(`a retry-after of ${what} beyond the total time is no attempt`, async (t) => {
    const { gateway, fake } = await openBench(t, withAgain());
    await fake.play({ answer: "error-429", headers }, {});
    const answer = await gateway.post(paths.openai, chat);
    assert.deepEqual([answer.status, answer.headers.get("x-sandgate-attempts")], [429, "1"]);
  });
}

test("a client that leaves while a retry waits ends the request: the upstream is not asked again", async (t) => {
  const { gateway, fake } = await openBench(t, withAgain(30_000));
  await fake.play({ answer: "error-500" });
  const client = new AbortController();
  const { signal } = client;
  const body = JSON.stringify(chat);
  const headers = { "content-type": "application/json" };
  const asking = gateway.fetch(paths.openai, { method: "POST", headers, body, signal }).catch(() => "left");
  await gateway.logged(({ msg }) => msg === "an attempt at an upstream failed; another follows");
  client.abort();
  assert.equal(await asking, "left");
  await gateway.logged(({ code }) => code === "client_closed");
  assert.equal(await within(10_000, gateway.running.stop()), "in time");
  assert.equal(fake.received.length, 1);
  assert.equal(gateway.log.filter(({ code }) => code === "client_closed").length, 1);
});

test("what a failed attempt answered does not hold its connection", async (t) => {
  const { gateway, fake } = await openBench(t, withAgain());
  for (let time = 0; time < 20; time += 1) {
    await fake.play({ answer: "error-500" }, {});
    const answer = await gateway.post(paths.openai, chatStream);
    assert.equal(answer.status, 200);
    await answer.text();
  }
  await eventually(
    () => fake.received.length,
    (count) => count === 40,
  );
  assert.ok(fake.connections() <= 4, `${fake.connections()} connections`);
});
