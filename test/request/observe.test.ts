import assert from "node:assert/strict";
import { test } from "node:test";
import type { Effect } from "#sdk/abi/effects.ts";
import { watPlugin } from "#test/wat-plugin.ts";
import { chat, chatStream, openBench } from "./bench.ts";
import { endings, noJson } from "./case-file.ts";
import { chunk, done, eventStream, finish, openEventBench } from "./event-plugin.ts";
import { scrape, total } from "./metrics.ts";

const observedTotal = "sandgate_plugin_observed_effects_total";

/** Asks for everything in every stage that it can. */
const greedy = watPlugin(
  {
    name: "greedy",
    hooks: {
      pre_request: { writes: ["respond", "tags", "request.headers", "model"] },
      post_request: { writes: ["respond", "response.headers", "response.body"] },
      error: { writes: ["respond", "retry"] },
    },
  },
  {
    pre_request: [
      { type: "set-header", on: "request", name: "x-greedy", value: "sk-hidden" },
      { type: "tag", name: "greedy", value: "yes" },
      { type: "model", model: "other" },
      { type: "respond", status: 418 },
    ],
    post_request: [
      { type: "set-header", on: "response", name: "x-greedy", value: "yes" },
      { type: "replace-body", on: "response", body: "other" },
    ],
    error: [{ type: "retry" }],
  },
);

const observe = { effect: "observe" } as const;

test("what an observed step asks for is counted and logged, and not done", async (t) => {
  const config = { gateway: { use: [{ plugin: "greedy", ...observe }] } };
  const { gateway, fake } = await openBench(t, { plugins: { greedy }, config });
  const answer = await gateway.post("/v1/chat/completions", chat);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("x-greedy"), null);
  assert.notEqual(await answer.text(), "other");
  const [asked] = fake.received;
  assert.equal(asked?.headers["x-greedy"], undefined);
  assert.deepEqual(JSON.parse(String(asked?.body)), chat);

  const samples = await scrape(gateway);
  for (const effect of ["set-header", "tag", "model", "respond"]) {
    assert.equal(total(samples, observedTotal, { hook: "pre_request", effect }), 1, effect);
  }
  assert.equal(total(samples, observedTotal, { hook: "post_request" }), 2);
  const line = await gateway.logged(({ observed, hook }) => observed !== undefined && hook === "pre_request");
  assert.equal(line.level, "debug");
  assert.deepEqual(line["effects"], ["set-header request x-greedy", "tag greedy", "model", "respond"]);
  assert.doesNotMatch(JSON.stringify(gateway.log), /sk-hidden/);
});

test("an observed retry is none", async (t) => {
  const config = { gateway: { use: [{ plugin: "greedy", ...observe, when: { headers: { "x-on": "1" } } }] } };
  const script = { answer: "error-500" };
  const { gateway, fake } = await openBench(t, { plugins: { greedy }, config, script });
  const answer = await gateway.post("/v1/chat/completions", chat, { "x-on": "1" });
  assert.equal(answer.status, 500);
  assert.equal(fake.received.length, 1);
  assert.equal(total(await scrape(gateway), observedTotal, { hook: "error", effect: "retry" }), 1);
});

test("steps after an observed one see nothing of what it asked for", async (t) => {
  const when = { tags: { greedy: "yes" } };
  const stops = watPlugin(
    { name: "stops", hooks: { pre_request: { writes: ["respond"] } } },
    { pre_request: [{ type: "respond", status: 451 }] },
  );
  const use = [
    { plugin: "greedy", order: 0, ...observe },
    { plugin: "stops", order: 1, when },
  ];
  const { gateway } = await openBench(t, { plugins: { greedy, stops }, config: { gateway: { use } } });
  assert.equal((await gateway.post("/v1/chat/completions", chat)).status, 200);
});

const cannotBeApplied: Effect[] = [
  { type: "patch-body", on: "request", patch: [{ op: "remove", path: "/none" }] },
];

for (const [name, does] of Object.entries({ ...endings, "what cannot be applied": cannotBeApplied })) {
  for (const mode of ["sequential", "parallel"] as const) {
    test(`an observed step that fails is reported and fails no request: ${name}, ${mode}`, async (t) => {
      const bad = watPlugin(
        { name: "bad", hooks: { pre_request: { writes: ["request.body"] } } },
        { pre_request: does },
        noJson,
      );
      const limits = { fuel: 1_000_000 };
      const use = [{ plugin: "bad", onFailure: "closed", mode, limits, ...observe }];
      const { gateway } = await openBench(t, { plugins: { bad }, config: { gateway: { use } } });
      assert.equal((await gateway.post("/v1/chat/completions", chat)).status, 200);
      const line = await gateway.logged(({ msg }) => msg === "a plugin failed");
      assert.deepEqual([line["binding"], line["skipped"]], ["gateway.use.0", true]);
      const samples = await scrape(gateway);
      assert.equal(total(samples, "sandgate_plugin_calls_total", { outcome: "ok" }), 0);
      assert.equal(total(samples, "sandgate_plugin_calls_total"), 1);
      assert.equal(total(samples, observedTotal), 0);
    });
  }
}

test("an observed answer in a batch does not cancel its neighbours", async (t) => {
  const marks = watPlugin(
    { name: "marks", hooks: { pre_request: { writes: ["response.headers"] } } },
    { pre_request: [{ type: "set-header", on: "response", name: "x-marks", value: "ran" }] },
  );
  const use = [
    { plugin: "greedy", order: 0, mode: "parallel", ...observe },
    { plugin: "marks", order: 1, mode: "parallel" },
  ];
  const { gateway } = await openBench(t, { plugins: { greedy, marks }, config: { gateway: { use } } });
  const answer = await gateway.post("/v1/chat/completions", chat);
  assert.deepEqual([answer.status, answer.headers.get("x-marks")], [200, "ran"]);
});

test("of a stream the decisions of an observed step are counted together", async (t) => {
  const body = "if (event.text) return event.index % 2 ? dropEvent() : [replaceText('x'), tag('a', 'b')];";
  const { gateway } = await openEventBench(
    t,
    { odd: { body, binding: observe } },
    { script: { answer: "chat-stream-usage" } },
  );
  const text = await (await gateway.post("/v1/chat/completions", chatStream)).text();
  assert.match(text, /\[DONE\]/);
  const samples = await scrape(gateway);
  const count = (effect: string) => total(samples, observedTotal, { plugin: "odd", effect });
  assert.ok(count("event drop") > 0);
  assert.ok(count("event replace") > 0);
  assert.equal(count("tag"), count("event replace"));
  const lines = gateway.log.filter(({ observed }) => observed !== undefined);
  assert.equal(lines.length, 1);
});

test("an observed step that fails in the middle of a stream counts what it has asked for once", async (t) => {
  const body = "if (event.index === 3) throw new Error('no'); return dropEvent();";
  const stream = [0, 1, 2, 3, 4].map((at) => chunk(String(at))).join("") + finish + done;
  const { gateway } = await openEventBench(
    t,
    { odd: { body, binding: observe } },
    { script: { body: stream, headers: eventStream } },
  );
  assert.equal(await (await gateway.post("/v1/chat/completions", chatStream)).text(), stream);
  const samples = await scrape(gateway);
  assert.equal(total(samples, observedTotal, { effect: "event drop" }), 3);
  const calls = (outcome: string) => total(samples, "sandgate_plugin_calls_total", { outcome });
  assert.deepEqual([calls("ok"), calls("error")], [3, 1]);
});
