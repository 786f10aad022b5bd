import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { openPlugin } from "@sandgate/plugin-sdk/testing";

const file = join(import.meta.dirname, "plugin.ts");
const consumers = { alice: ["sk-alice-1"], bob: ["sk-bob-1"] };

test("a key identifies the consumer that it belongs to", async () => {
  await using plugin = await openPlugin(file, { consumers });
  for (const [key, consumer] of [
    ["sk-alice-1", "alice"],
    ["sk-bob-1", "bob"],
  ] as const) {
    const { effects } = await plugin.call("pre_request", { headers: { authorization: `Bearer ${key}` } });
    assert.deepEqual(effects, [{ type: "identify", consumer }]);
  }
});

test("an unknown key, an empty one and none identify nobody", async () => {
  await using plugin = await openPlugin(file, { consumers });
  for (const headers of [{ authorization: "Bearer sk-mallory" }, { authorization: "Bearer " }, {}]) {
    const { effects } = await plugin.call("pre_request", { headers });
    assert.deepEqual(effects, []);
  }
});

test("only the header of the config counts", async () => {
  await using plugin = await openPlugin(file, { consumers, config: { header: "x-api-key" } });
  const bearer = await plugin.call("pre_request", { headers: { authorization: "Bearer sk-alice-1" } });
  assert.deepEqual(bearer.effects, []);
  const plain = await plugin.call("pre_request", { headers: { "x-api-key": "sk-alice-1" } });
  assert.deepEqual(plain.effects, [{ type: "identify", consumer: "alice" }]);
});
