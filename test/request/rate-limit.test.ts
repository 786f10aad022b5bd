import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import OpenAI from "openai";
import { chat, chatStream, openBench, paths } from "./bench.ts";

const plugins = {
  "key-auth": await readFile(new URL("../../plugins/key-auth.wasm", import.meta.url)),
  "rate-limit": await readFile(new URL("../../plugins/rate-limit.wasm", import.meta.url)),
};
const grants = { counters: true };
const consumers = { alice: { keys: ["sk-alice-test"] }, bob: { keys: ["sk-bob-test"], groups: ["gold"] } };
const limit = (config: object, more: object = {}) => ({ plugin: "rate-limit", config, grants, ...more });
const bob = { authorization: "Bearer sk-bob-test" };

/** What every window allows within a test that takes some seconds: none ends meanwhile. */
const aDay = { per: "24h", window: "token-bucket" };

test("of 200 requests at one time exactly as many reach the upstream as the limit says, for each consumer", async (t) => {
  const use = [{ plugin: "key-auth" }, limit({ requests: 60, ...aDay })];
  const gold = { use: [limit({ requests: 80, ...aDay })] };
  const { gateway, fake } = await openBench(t, {
    plugins,
    config: { gateway: { use }, consumers, consumerGroups: { gold } },
  });
  const statuses = async (headers: Record<string, string>) => {
    const answers = await Promise.all(
      Array.from({ length: 200 }, async () => {
        const answer = await gateway.post(paths.openai, chat, headers);
        await answer.arrayBuffer();
        return answer.status;
      }),
    );
    return {
      ok: answers.filter((one) => one === 200).length,
      over: answers.filter((one) => one === 429).length,
    };
  };
  assert.deepEqual(await statuses({}), { ok: 60, over: 140 });
  assert.equal(fake.received.length, 60);
  assert.deepEqual(await statuses(bob), { ok: 80, over: 120 });
});

test("good answers and refusals tell the limit, and OpenAI's SDK waits as it is told, then has its answer", async (t) => {
  const use = [limit({ requests: 1, per: "1s", window: "token-bucket" })];
  const { gateway, fake } = await openBench(t, { plugins, config: { gateway: { use } } });
  const good = await gateway.post(paths.openai, chat);
  assert.equal(good.status, 200);
  assert.equal(good.headers.get("x-ratelimit-limit-requests"), "1");
  assert.equal(good.headers.get("x-ratelimit-remaining-requests"), "0");
  assert.equal(good.headers.get("x-ratelimit-reset-requests"), "1s");
  const openai = new OpenAI({ apiKey: "sk", baseURL: `${gateway.url}/v1`, maxRetries: 2 });
  const messages = [{ role: "user" as const, content: "Grüße" }];
  const { response } = await openai.chat.completions.create({ model: "m", messages }).withResponse();
  assert.equal(response.status, 200);
  assert.equal(fake.received.length, 2);
});

for (const [surface, type] of [
  ["openai", "requests"],
  ["anthropic", "rate_limit_error"],
] as const) {
  test(`${surface}: a refusal is an error as its API has it, with the time to wait`, async (t) => {
    const use = [limit({ requests: 1, ...aDay })];
    const { gateway, fake } = await openBench(t, { plugins, config: { gateway: { use } } });
    await (await gateway.post(paths[surface], chat)).arrayBuffer();
    const answer = await gateway.post(paths[surface], chat);
    assert.equal(answer.status, 429);
    const { error } = (await answer.json()) as { error: { type: string; message: string } };
    assert.equal(error.type, type);
    assert.doesNotMatch(error.message, /quota|billing/);
    assert.match(answer.headers.get("retry-after") ?? "", /^\d{5}$/);
    assert.match(answer.headers.get("retry-after-ms") ?? "", /^\d{8}$/);
    assert.equal(answer.headers.get("x-should-retry"), "false");
    assert.equal(fake.received.length, 1);
  });
}

for (const [kind, body] of [
  ["whole answer", chat],
  ["stream", chatStream],
] as const) {
  test(`the tokens of a ${kind} are counted, and the next request over them is refused`, async (t) => {
    const use = [limit({ tokens: 1, ...aDay })];
    const { gateway } = await openBench(t, { plugins, config: { gateway: { use } } });
    const first = await gateway.post(paths.openai, body);
    assert.equal(first.status, 200);
    assert.equal(first.headers.get("x-ratelimit-remaining-tokens"), "1");
    await first.text();
    const second = await gateway.post(paths.openai, body);
    assert.equal(second.status, 429);
    assert.equal(second.headers.get("x-ratelimit-remaining-tokens"), "0");
  });
}

for (const [onFailure, status] of [
  ["closed", 500],
  ["open", 200],
] as const) {
  test(`a request that cannot be counted: ${onFailure} answers ${status}`, async (t) => {
    const use = [limit({ requests: 5, ...aDay }, { onFailure, limits: { fuel: 800_000 } })];
    const { gateway } = await openBench(t, { plugins, config: { gateway: { use } } });
    // It runs out of fuel before it has counted, and ends as with a store that does not answer.
    const tooMuch = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`x-${index}`, "x"]));
    assert.equal((await gateway.post(paths.openai, chat, tooMuch)).status, status);
    assert.equal((await gateway.post(paths.openai, chat)).headers.get("x-ratelimit-remaining-requests"), "4");
  });
}
