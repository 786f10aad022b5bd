import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { openPlugin } from "@sandgate/plugin-sdk/testing";

const file = join(import.meta.dirname, "plugin.ts");

test("a line has the model, the consumer, the status and the tokens", async () => {
  await using plugin = await openPlugin(file);
  const { effects, log } = await plugin.call("post_request", {
    body: { model: "gpt-5" },
    response: { status: 200 },
    usage: { inputTokens: 19, outputTokens: 120 },
    consumer: "alice",
  });
  assert.deepEqual(effects, []);
  const [line] = log;
  assert.equal(line?.level, "info");
  assert.equal(line?.msg, "request completed");
  const { durationMs, ...data } = (line?.data ?? {}) as { durationMs?: number };
  assert.equal(typeof durationMs, "number");
  assert.deepEqual(data, {
    model: "gpt-5",
    consumer: "alice",
    status: 200,
    inputTokens: 19,
    outputTokens: 120,
    errorCode: null,
  });
});

test("a request that failed is a warning with the code of its error", async () => {
  await using plugin = await openPlugin(file);
  const { log } = await plugin.call("post_request", { error: { code: "upstream_unreachable" } });
  const [line] = log;
  assert.equal(line?.level, "warn");
  assert.equal(line?.msg, "request failed");
  const { status, errorCode } = (line?.data ?? {}) as { status?: number; errorCode?: string };
  assert.deepEqual([status, errorCode], [502, "upstream_unreachable"]);
});
