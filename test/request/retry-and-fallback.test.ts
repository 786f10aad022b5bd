import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { type TestContext, test } from "node:test";
import { parse, stringify } from "yaml";
import type { BindingConfig } from "#config/schema.ts";
import { startFakeUpstream } from "#test/fake-upstream/fake-upstream.ts";
import { startTestGateway } from "#test/harness.ts";
import { chat, paths } from "./bench.ts";

const plugins = {
  fallback: await readFile(new URL("../../plugins/fallback.wasm", import.meta.url)),
  retry: await readFile(new URL("../../plugins/retry.wasm", import.meta.url)),
};

type Example = {
  readonly services: Record<string, { attempts?: object }>;
  readonly routes: Record<string, { use: BindingConfig[] }>;
};

/** The config that the README of a plugin shows for both. */
async function exampleOf(plugin: string): Promise<Example> {
  const text = await readFile(new URL(`../../plugins/${plugin}/README.md`, import.meta.url), "utf8");
  const blocks = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, code = ""]) => code);
  const [both = ""] = blocks.filter(
    (code) => code.includes("plugin: retry") && code.includes("plugin: fallback"),
  );
  return parse(both);
}

/** Before upstreams in place of those of the example: the first always fails, the second never. */
async function open(t: TestContext, example: Example) {
  const [one, two] = [await startFakeUpstream(), await startFakeUpstream()];
  t.after(() => Promise.all([one.close(), two.close()]));
  await one.play({ answer: "error-500" });
  const text = stringify(example)
    .replace("https://one.example.com", one.url)
    .replace("https://two.example.com", two.url);
  const gateway = await startTestGateway(t, { plugins, config: parse(text) });
  const answer = await gateway.post(paths.openai, chat);
  await answer.arrayBuffer();
  const modelsAt = ({ received }: typeof one) => received.map(({ body }) => JSON.parse(String(body)).model);
  return {
    status: answer.status,
    attempts: answer.headers.get("x-sandgate-attempts"),
    first: modelsAt(one),
    second: modelsAt(two),
  };
}

for (const plugin of ["retry", "fallback"]) {
  test(`the README of ${plugin}: with attempts for both, what retry cannot mend falls back`, async (t) => {
    assert.deepEqual(await open(t, await exampleOf(plugin)), {
      status: 200,
      attempts: "5",
      first: [chat.model, chat.model, chat.model, "gpt-5-mini"],
      second: ["llama-3"],
    });
  });
}

test("without attempts of its own the service has none left for fallback", async (t) => {
  const example = await exampleOf("retry");
  for (const service of Object.values(example.services)) delete service.attempts;
  assert.deepEqual(await open(t, example), {
    status: 500,
    attempts: "3",
    first: [chat.model, chat.model, chat.model],
    second: [],
  });
});
