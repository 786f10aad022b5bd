import assert from "node:assert/strict";
import { test } from "node:test";
import type { WhenConfig } from "#config/schema.ts";
import type { Effect } from "#sdk/abi/effects.ts";
import { watPlugin } from "#test/wat-plugin.ts";
import { chat, chatStream, openBench } from "./bench.ts";
import { openEventBench } from "./event-plugin.ts";
import { scrape, total } from "./metrics.ts";

const seen = (on: "request" | "response", name: string): Effect => ({
  type: "set-header",
  on,
  name,
  value: "ran",
});

/** Marks the answer in each stage that it runs in. */
const marks = watPlugin(
  {
    name: "marks",
    hooks: {
      pre_request: { writes: ["response.headers"] },
      post_request: { writes: ["response.headers"] },
      error: { writes: ["response.headers"] },
    },
  },
  {
    pre_request: [seen("response", "x-pre")],
    post_request: [seen("response", "x-post")],
    error: [seen("response", "x-error")],
  },
);

/** Tags the request and takes its model away. */
const tagger = watPlugin(
  { name: "tagger", hooks: { pre_request: { writes: ["tags", "request.body"] } } },
  {
    pre_request: [
      { type: "tag", name: "kind", value: "chat" },
      { type: "patch-body", on: "request", patch: [{ op: "replace", path: "/model", value: "small" }] },
    ],
  },
);

/** A condition, and whether it holds for the chat of the bench, after `tagger`. */
const conditions: readonly (readonly [WhenConfig, boolean])[] = [
  [{}, true],
  [{ methods: ["POST"] }, true],
  [{ methods: ["GET", "PUT"] }, false],
  [{ paths: ["/v1/*"] }, true],
  [{ paths: ["/v1"] }, false],
  [{ headers: { "X-Kind": ["a", "b"] } }, true],
  [{ headers: { "x-kind": "B" } }, false],
  [{ models: ["sm*"] }, true],
  [{ models: ["gpt-4o-mini"] }, false],
  [{ tags: { kind: "chat" } }, true],
  [{ tags: { kind: "embedding" } }, false],
  [{ consumers: ["alice"] }, false],
  [{ groups: ["gold"] }, false],
  [{ sample: 100 }, true],
  [{ sample: 1e-9 }, false],
  [{ methods: ["POST"], paths: ["/v2/*"] }, false],
];

for (const [when, holds] of conditions) {
  test(`a step is ${holds ? "called" : "not called"} when ${JSON.stringify(when)}`, async (t) => {
    const use = [
      { plugin: "tagger", order: 0 },
      { plugin: "marks", order: 1, when },
    ];
    const config = { gateway: { use }, consumerGroups: { gold: {} } };
    const { gateway } = await openBench(t, { plugins: { marks, tagger }, config });
    const { headers } = await gateway.post("/v1/chat/completions", chat, { "x-kind": "b" });
    const ran = holds ? "ran" : null;
    assert.deepEqual([headers.get("x-pre"), headers.get("x-post")], [ran, ran]);
    const calls = total(await scrape(gateway), "sandgate_plugin_calls_total", { plugin: "marks" });
    assert.equal(calls, holds ? 2 : 0);
  });
}

test("a credential is no fact: a condition on one never holds", async (t) => {
  const when = { headers: { authorization: "Bearer sk-alice-test" } };
  const config = { gateway: { use: [{ plugin: "marks", when }] } };
  const { gateway } = await openBench(t, { plugins: { marks }, config });
  const { headers } = await gateway.post("/v1/chat/completions", chat);
  assert.equal(headers.get("x-pre"), null);
});

test("the error stage asks conditions too", async (t) => {
  for (const [code, ran] of [
    ["POST", "ran"],
    ["PUT", null],
  ] as const) {
    const use = [{ plugin: "marks", when: { methods: [code] } }];
    const { gateway } = await openBench(t, {
      plugins: { marks },
      config: { gateway: { use } },
      script: { answer: "error-500" },
    });
    const { headers } = await gateway.post("/v1/chat/completions", chat);
    assert.equal(headers.get("x-error"), ran);
  }
});

test("steps of a batch meet the same facts: a tag of one is none for its neighbour", async (t) => {
  const tags = watPlugin(
    { name: "tags", hooks: { pre_request: { writes: ["tags"] } } },
    { pre_request: [{ type: "tag", name: "kind", value: "chat" }] },
  );
  const when = { tags: { kind: "chat" } };
  const use = [
    { plugin: "tags", mode: "parallel", order: 0 },
    { plugin: "marks", id: "beside", mode: "parallel", order: 1, when },
  ];
  const { gateway } = await openBench(t, { plugins: { marks, tags }, config: { gateway: { use } } });
  const { headers } = await gateway.post("/v1/chat/completions", chat);
  // After the answer the tag is there.
  assert.deepEqual([headers.get("x-pre"), headers.get("x-post")], [null, "ran"]);
});

test("one sample is the same requests in all stages, and about as many as it says", async (t) => {
  const use = [{ plugin: "marks", when: { sample: 50 } }];
  const { gateway } = await openBench(t, { plugins: { marks }, config: { gateway: { use } } });
  let sampled = 0;
  for (let count = 0; count < 60; count += 1) {
    const answer = await gateway.post("/v1/chat/completions", chat);
    await answer.arrayBuffer();
    const { headers } = answer;
    assert.equal(headers.get("x-pre"), headers.get("x-post"));
    if (headers.has("x-pre")) sampled += 1;
  }
  // Outside of this once in 10^8 runs.
  assert.ok(sampled > 8 && sampled < 52, `${sampled} of 60`);
});

test("of a stream the condition is asked once, when it begins", async (t) => {
  const drop = { body: "if (event.text) return dropEvent();", binding: { when: { models: ["other"] } } };
  const { gateway } = await openEventBench(t, { drop }, { script: { answer: "chat-stream-usage" } });
  const text = async (model: string) =>
    (await gateway.post("/v1/chat/completions", { ...chatStream, model })).text();
  const [whole, dropped] = [await text("gpt-4o-mini"), await text("other")];
  assert.ok(whole.length > dropped.length);
  const calls = total(await scrape(gateway), "sandgate_plugin_calls_total", { plugin: "drop" });
  assert.equal(
    calls,
    dropped === "" ? 0 : whole.split("\n\n").filter((line) => line.startsWith("data:")).length,
  );
});

test("an authenticator whose condition does not hold identifies nobody", async (t) => {
  const knows = watPlugin(
    { name: "knows", hooks: { pre_request: { writes: ["identify"] } } },
    { pre_request: [{ type: "identify", consumer: "alice" }] },
  );
  const use = [{ plugin: "knows", when: { headers: { "x-kind": "b" } } }];
  const { gateway } = await openBench(t, { plugins: { knows }, config: { gateway: { use } } });
  assert.equal((await gateway.post("/v1/chat/completions", chat)).status, 401);
  assert.equal((await gateway.post("/v1/chat/completions", chat, { "x-kind": "b" })).status, 200);
});
