import assert from "node:assert/strict";
import { test } from "node:test";
import type { Effect } from "#sdk/abi/effects.ts";
import { inputWat } from "#test/pipeline/stage.ts";
import { watPlugin } from "#test/wat-plugin.ts";
import { aliceKey, chat, chatStream, openBench } from "./bench.ts";
import { openEventBench } from "./event-plugin.ts";

const token = "a-token-for-debugging";
const debug = { token };
const asked = { "x-sandgate-debug": token };

/** What the header of an answer says, without what is measured. */
function stepsOf(answer: Response): unknown[] {
  const { steps } = JSON.parse(answer.headers.get("x-sandgate-debug") ?? "{}");
  return steps.map(
    ({ durationUs, fuel, ...step }: { durationUs?: number; fuel?: number; outcome?: string }) => {
      assert.equal(durationUs !== undefined && fuel !== undefined, step.outcome !== undefined);
      return step;
    },
  );
}

const knows = watPlugin(
  { name: "knows", hooks: { pre_request: { writes: ["identify"] } } },
  { pre_request: [{ type: "identify", consumer: "alice" }] },
);
const effects: Effect[] = [
  { type: "set-header", on: "request", name: "X-Team", value: aliceKey },
  { type: "set-query", name: "größe", value: aliceKey },
  { type: "tag", name: "team", value: aliceKey },
];
const sets = watPlugin(
  { name: "sets", hooks: { pre_request: { writes: ["request.headers", "request.query", "tags"] } } },
  { pre_request: effects },
);
const traps = watPlugin({ name: "traps", hooks: { post_request: {} } }, { post_request: "unreachable" });

test("a request with the token is answered with what its steps did, and no values", async (t) => {
  const use = [
    { plugin: "knows" },
    { plugin: "sets", order: 1 },
    { plugin: "sets", id: "watches", order: 2, effect: "observe" },
    { plugin: "sets", id: "never", order: 3, when: { methods: ["GET"] } },
    { plugin: "traps", onFailure: "open" },
  ];
  const config = { debug, gateway: { use } };
  const { gateway } = await openBench(t, { plugins: { knows, sets, traps }, config });
  const answer = await gateway.post("/v1/chat/completions", chat, asked);
  assert.equal(answer.status, 200);
  const names = ["set-header request x-team", "set-query größe", "tag team"];
  const pre = { hook: "pre_request", outcome: "ok" };
  assert.deepEqual(stepsOf(answer), [
    { key: "gateway.use.0", ...pre, effects: ["identify"] },
    { key: "gateway.use.1", ...pre, effects: names },
    { key: "gateway.use.2", ...pre, effects: names, observed: true },
    { key: "gateway.use.3", hook: "pre_request", skipped: "when" },
    { key: "gateway.use.4", hook: "post_request", outcome: "trap", effects: [], skipped: "failed" },
  ]);
  assert.doesNotMatch(answer.headers.get("x-sandgate-debug") ?? "", new RegExp(aliceKey));
});

test("a request that fails says which step failed it", async (t) => {
  const config = { debug, gateway: { use: [{ plugin: "traps" }] } };
  const { gateway } = await openBench(t, { plugins: { traps }, config });
  const answer = await gateway.post("/v1/chat/completions", chat, asked);
  assert.equal(answer.status, 500);
  assert.deepEqual(stepsOf(answer), [
    { key: "gateway.use.0", hook: "post_request", outcome: "trap", effects: [] },
  ]);
});

for (const [name, config, sent] of [
  ["no token", { debug }, {}],
  ["a wrong token", { debug }, { "x-sandgate-debug": `${token}x` }],
  ["an empty token", { debug }, { "x-sandgate-debug": "" }],
] as const) {
  test(`${name} is answered as if there were no debugging`, async (t) => {
    const { gateway, fake } = await openBench(t, {
      plugins: { traps },
      config: { ...config, gateway: { use: [{ plugin: "traps", onFailure: "open" }] } },
    });
    const answer = await gateway.post("/v1/chat/completions", chat, sent);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("x-sandgate-debug"), null);
    assert.equal(fake.received[0]?.headers["x-sandgate-debug"], undefined);
  });
}

test("neither plugins nor the upstream see the token", async (t) => {
  const says = watPlugin(
    {
      name: "says",
      hooks: { pre_request: { reads: ["request.headers", "request.headers.x-sandgate-debug"] } },
    },
    { pre_request: "(call $log_info (call $input)) (i32.const 0)" },
    inputWat,
  );
  const config = { debug, gateway: { use: [{ plugin: "says" }] } };
  const { gateway, fake } = await openBench(t, { plugins: { says }, config });
  const answer = await gateway.post("/v1/chat/completions", chat, asked);
  assert.ok(answer.headers.has("x-sandgate-debug"));
  assert.equal(fake.received[0]?.headers["x-sandgate-debug"], undefined);
  await gateway.logged(({ msg }) => msg.includes("content-type"));
  assert.doesNotMatch(JSON.stringify(gateway.log), new RegExp(token));
});

test("a header that would be too long says what is left out: effects first, then steps", async (t) => {
  const tags = (letter: string) =>
    Array.from(
      { length: 50 },
      (_, at) => ({ type: "tag", name: `${at}-${letter.repeat(99)}`, value: "" }) as const,
    );
  const hooks = { pre_request: { writes: ["tags"] } };
  const plugins = {
    narrow: watPlugin({ name: "narrow", hooks }, { pre_request: tags("u") }),
    wide: watPlugin({ name: "wide", hooks }, { pre_request: tags("ü") }),
  };
  const use = Array.from({ length: 120 }, (_, order) => ({
    plugin: order === 0 ? "wide" : "narrow",
    id: `step-${order}`,
    order,
  }));
  const { gateway } = await openBench(t, { plugins, config: { debug, gateway: { use } } });
  const answer = await gateway.post("/v1/chat/completions", chat, asked);
  const text = answer.headers.get("x-sandgate-debug") ?? "";
  assert.ok(text.length <= 8192 && text.length > 7000, String(text.length));
  const { steps, leftOut } = JSON.parse(text);
  assert.equal(steps.length + leftOut, 120);
  assert.ok(leftOut > 0);
  const [wide, narrow, ...others] = steps;
  assert.deepEqual([wide.effects.length, wide.moreEffects], [0, 50]);
  assert.deepEqual([narrow.effects.length, narrow.moreEffects], [20, 30]);
  assert.deepEqual([others.at(-1).effects.length, others.at(-1).moreEffects], [0, 50]);
});

test("of a stream the header has what ran before it", async (t) => {
  const { gateway } = await openEventBench(
    t,
    { one: { body: "return;" } },
    { plugins: { sets }, config: { debug, gateway: { use: [{ plugin: "sets" }, { plugin: "one" }] } } },
  );
  const answer = await gateway.post("/v1/chat/completions", chatStream, asked);
  assert.match(await answer.text(), /./);
  assert.deepEqual(
    stepsOf(answer).map((step) => (step as { hook: string }).hook),
    ["pre_request"],
  );
});
