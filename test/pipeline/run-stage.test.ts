import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { GatewayError } from "#host/errors.ts";
import type { StepReport } from "#host/pipeline/run-stage.ts";
import type { Effect } from "#sdk/abi/effects.ts";
import { openStage, type Stage, type Use } from "./stage.ts";

const tag = (value: string): Effect => ({ type: "tag", name: "last", value });

/** Tags the request with its name. */
const tagging = (name: string, rest: Partial<Use> = {}): Use => ({
  name,
  writes: ["tags"],
  does: [tag(name), { type: "tag", name, value: "was here" }],
  ...rest,
});
/** Logs its input, which has the tags. */
const watching = (name: string, rest: Partial<Use> = {}): Use => ({
  name,
  reads: ["context.tags"],
  does: "(call $log_info (call $input)) (i32.const 0)",
  ...rest,
});
const saw = (name: string, tags: Record<string, string>) =>
  `${name}: ${JSON.stringify({ stage: "pre-request", context: { tags } })}`;
const answering = (name: string, rest: Partial<Use> = {}): Use => ({
  name,
  writes: ["respond", "tags"],
  does: [
    { type: "respond", status: 418 },
    { type: "tag", name, value: "answered" },
  ],
  ...rest,
});
const trap = "unreachable";
const forever = "(loop $again (br $again)) (i32.const 0)";
const endless = { fuel: 1_000_000_000_000, deadlineMs: 60_000 };

const parallel = { mode: "parallel" } as const;
const names = (reports: readonly StepReport[]) => reports.map(({ step }) => step.binding.plugin);

async function failureOf(stage: Stage, signal?: AbortSignal): Promise<GatewayError> {
  const thrown = await stage.run(signal).then(
    () => assert.fail("the stage ended well"),
    (reason: unknown) => reason,
  );
  assert.ok(thrown instanceof GatewayError, String(thrown));
  return thrown;
}

/** Until no call runs any more: one that was cancelled takes until its next slice. */
async function callsEnd({ generation }: Stage): Promise<void> {
  const until = Date.now() + 10_000;
  for (const { pool } of generation.bindings.values()) {
    while (pool.size.instances > pool.size.idle) {
      assert.ok(Date.now() < until, "a call still runs");
      await sleep(5);
    }
  }
}

test("steps run in order, each sees what those before it did", async (t) => {
  const stage = await openStage(t, [tagging("one"), watching("two"), tagging("three"), watching("four")]);
  assert.equal(await stage.run(), false);
  assert.deepEqual(names(stage.reports), ["one", "two", "three", "four"]);
  assert.deepEqual(stage.log, [
    saw("two", { last: "one", one: "was here" }),
    saw("four", { last: "three", one: "was here", three: "was here" }),
  ]);
  assert.ok(stage.reports.every(({ outcome, error, skipped }) => outcome === "ok" && !error && !skipped));
  assert.ok(stage.exchange.pluginMs > 0);
});

test("steps of a batch see the same input, and their effects are applied in plan order", async (t) => {
  // The first ends last: it counts to two million.
  const slow = `(local $n i32) (loop $again
    (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 2000000))))`;
  const stage = await openStage(t, [
    tagging("before"),
    watching("slow", { ...parallel, does: `${slow} (call $log_info (call $input)) (i32.const 0)` }),
    tagging("one", parallel),
    watching("two", parallel),
    tagging("three", parallel),
    watching("after"),
  ]);
  assert.equal(await stage.run(), false);
  const tags = { last: "before", before: "was here" };
  assert.deepEqual(stage.log.toSorted(), [
    saw("after", { last: "three", before: "was here", one: "was here", three: "was here" }),
    saw("slow", tags),
    saw("two", tags),
  ]);
  assert.deepEqual(names(stage.reports), ["before", "slow", "one", "two", "three", "after"]);
});

test("a step that answers ends the stage: its siblings are cancelled, later batches do not begin", async (t) => {
  const uses = [
    tagging("one", parallel),
    answering("two", parallel),
    tagging("three", { ...parallel, does: forever }),
    tagging("four"),
  ];
  const stage = await openStage(t, uses, endless);
  assert.equal(await stage.run(), true);
  assert.equal(stage.exchange.response?.status, 418);
  assert.deepEqual(stage.exchange.tags, { last: "one", one: "was here", two: "answered" });
  assert.deepEqual(names(stage.reports), ["one", "two"]);
  await callsEnd(stage);
});

test("of two answers in a batch the first in plan order wins", async (t) => {
  const stage = await openStage(t, [
    answering("one", { ...parallel, does: [{ type: "respond", status: 429 }] }),
    answering("two", parallel),
  ]);
  assert.equal(await stage.run(), true);
  assert.equal(stage.exchange.response?.status, 429);
});

for (const [name, does, outcome] of [
  ["a trap", trap, "trap"],
  ["an error", "(call $error_set (call $block (i32.const 0) (i32.const 4))) (i32.const 1)", "error"],
  ["bad output", "(call $puts (i32.const 0) (i32.const 4)) (i32.const 0)", "error"],
  ["an effect that is not declared", [{ type: "set-path", path: "/x" }], "error"],
  [
    "an effect that cannot be applied",
    [
      tag("x"),
      { type: "tag", name: "a", value: "b" },
      { type: "respond", status: 200, headers: { date: "x" } },
    ],
    "error",
  ],
  ["fuel", forever, "fuel"],
] as const satisfies readonly (readonly [string, Use["does"], string])[]) {
  for (const mode of ["sequential", "parallel"] as const) {
    const bad: Use = { name: "bad", writes: ["tags", "respond"], does, mode };

    test(`${name}, ${mode}, closed: the request fails with it, and nothing more runs`, async (t) => {
      const stage = await openStage(t, [tagging("one", { mode }), bad, tagging("three", { mode })]);
      const failure = await failureOf(stage);
      assert.equal(failure.code, "plugin_failed");
      assert.equal(failure.plugin, "bad");
      assert.equal(failure.message, "The plugin bad failed.");
      assert.deepEqual(stage.exchange.tags, { last: "one", one: "was here" });
      assert.equal(stage.exchange.response, null);
      const [, report] = stage.reports;
      assert.deepEqual(names(stage.reports), ["one", "bad"]);
      assert.deepEqual([report?.outcome, report?.skipped], [outcome, false]);
      assert.equal(failure.cause instanceof Error && failure.cause.message, report?.error);
    });

    test(`${name}, ${mode}, open: the step is skipped as if it were not there`, async (t) => {
      const open = { ...bad, binding: { onFailure: "open" as const } };
      const stage = await openStage(t, [tagging("one", { mode }), open, tagging("three", { mode })]);
      assert.equal(await stage.run(), false);
      assert.deepEqual(stage.exchange.tags, { last: "three", one: "was here", three: "was here" });
      const [, report] = stage.reports;
      assert.deepEqual(names(stage.reports), ["one", "bad", "three"]);
      assert.deepEqual([report?.outcome, report?.skipped], [outcome, true]);
      assert.ok(report?.error);
    });
  }
}

test("a batch fails with the first failure in plan order, however fast the others are", async (t) => {
  const stage = await openStage(t, [
    tagging("first", { ...parallel, does: forever }),
    tagging("second", { ...parallel, does: trap }),
  ]);
  assert.equal((await failureOf(stage)).plugin, "first");
  assert.deepEqual(names(stage.reports), ["first"]);
  await callsEnd(stage);
});

for (const [name, use] of [
  ["alone", [tagging("bad", { does: forever })]],
  ["alone and open", [tagging("bad", { does: forever, binding: { onFailure: "open" } })]],
  ["in a batch", [tagging("bad", { does: forever, ...parallel }), tagging("two", parallel)]],
] as const satisfies readonly (readonly [string, Use[]])[]) {
  test(`a client that leaves ends the call, ${name}: nobody's failure`, async (t) => {
    const stage = await openStage(t, [...use, tagging("after")], endless);
    const client = new AbortController();
    setTimeout(() => client.abort(), 20);
    assert.equal((await failureOf(stage, client.signal)).code, "client_closed");
    assert.deepEqual(stage.reports, []);
    assert.deepEqual(stage.exchange.tags, {});
    await callsEnd(stage);
  });
}

test("for a client that has left nothing begins", async (t) => {
  const stage = await openStage(t, [watching("one")]);
  assert.equal((await failureOf(stage, AbortSignal.abort())).code, "client_closed");
  assert.deepEqual(stage.log, []);
});
