import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { openPlugin } from "@sandgate/plugin-sdk/testing";

const file = join(import.meta.dirname, "plugin.ts");
const streamed = { body: { stream: true }, response: { status: 200 } };

test("a stream that ended is tagged with its speed", async () => {
  await using plugin = await openPlugin(file);
  const usage = { inputTokens: 5, outputTokens: 100_000 };
  const { effects, log } = await plugin.call("post_request", { ...streamed, usage });
  assert.deepEqual(effects[0], { type: "tag", name: "stream", value: "complete" });
  assert.equal(effects[1]?.type === "tag" && effects[1].name, "tokens-per-second");
  assert.deepEqual(log, []);
});

test("a slow stream is a line in the log", async () => {
  await using plugin = await openPlugin(file, { config: { slowTokensPerSecond: 1e12 } });
  const { log } = await plugin.call("post_request", {
    ...streamed,
    usage: { inputTokens: 5, outputTokens: 1 },
  });
  assert.deepEqual(
    log.map(({ level, msg }) => [level, msg]),
    [["warn", "a slow stream"]],
  );
});

test("an answer that was not streamed is none of its business", async () => {
  await using plugin = await openPlugin(file);
  const { effects } = await plugin.call("post_request", {
    body: { stream: false },
    response: { status: 200 },
    usage: { inputTokens: 5, outputTokens: 7 },
  });
  assert.deepEqual(effects, []);
});
