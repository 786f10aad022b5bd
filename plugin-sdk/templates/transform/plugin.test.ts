import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { Json } from "@sandgate/plugin-sdk";
import { openPlugin } from "@sandgate/plugin-sdk/testing";

const file = join(import.meta.dirname, "plugin.ts");
const hello = { role: "user", content: "Hello" };
const system = { role: "system", content: "Be brief." };

/** The patch that the plugin asks for. */
async function patchOf(config: { system?: string; maxTokens?: number }, body: Json): Promise<unknown> {
  await using plugin = await openPlugin(file, { config });
  const { effects } = await plugin.call("pre_request", { body });
  const [effect] = effects;
  return effect?.type === "patch-body" ? effect.patch : effects;
}

test("the system message comes before the first", async () => {
  assert.deepEqual(await patchOf({ system: "Be brief." }, { messages: [hello] }), [
    { op: "add", path: "/messages/0", value: system },
  ]);
});

test("a limit is set where there is none, or a higher one", async () => {
  const limited = [{ op: "add", path: "/max_tokens", value: 100 }];
  assert.deepEqual(await patchOf({ maxTokens: 100 }, { messages: [hello] }), limited);
  for (const wanted of [101, "many"]) {
    assert.deepEqual(await patchOf({ maxTokens: 100 }, { messages: [hello], max_tokens: wanted }), limited);
  }
  assert.deepEqual(await patchOf({ maxTokens: 100 }, { messages: [hello], max_tokens: 100 }), []);
});

test("without a config, and of what is no chat, nothing is changed", async () => {
  assert.deepEqual(await patchOf({}, { messages: [hello] }), []);
  assert.deepEqual(await patchOf({ system: "Be brief.", maxTokens: 100 }, { input: "text" }), []);
});
