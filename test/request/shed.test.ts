import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { watPlugin } from "#test/wat-plugin.ts";
import { chat, openBench } from "./bench.ts";
import { endings } from "./case-file.ts";
import { eventually } from "./eventually.ts";
import { scrape, total } from "./metrics.ts";

const calls = "sandgate_plugin_calls_total";
const token = "a-token-for-debugging";

/** Runs until its deadline, whatever its fuel. */
const loops = watPlugin({ name: "loops", hooks: { pre_request: {} } }, { pre_request: endings.loops });
const marks = watPlugin(
  {
    name: "marks",
    hooks: { pre_request: { writes: ["response.headers"] }, post_request: { at: "completion" } },
  },
  {
    pre_request: [{ type: "set-header", on: "response", name: "x-marks", value: "ran" }],
    post_request: [],
  },
);
const knows = watPlugin(
  { name: "knows", hooks: { pre_request: { writes: ["identify"] } } },
  { pre_request: [{ type: "identify", consumer: "alice" }] },
);
const tags = watPlugin(
  { name: "tags", hooks: { pre_request: { writes: ["tags"] } } },
  { pre_request: [{ type: "tag", name: "a", value: "b" }] },
);
const plugins = { loops, marks, knows, tags };
const fuel = 100_000_000_000;

type Options = { readonly use: readonly object[]; readonly limits?: object };

function open(t: TestContext, { use, limits = {} }: Options) {
  const config = {
    debug: { token },
    limits: { plugins: { fuel, deadlineMs: 20_000, ...limits } },
    gateway: { use: use.map((one, order) => ({ order, ...one })) },
  };
  return openBench(t, { plugins, config });
}

/** Answer, and how each step of the request ended or why it was not called. */
async function ask(gateway: Awaited<ReturnType<typeof open>>["gateway"]) {
  const answer = await gateway.post("/v1/chat/completions", chat, { "x-sandgate-debug": token });
  await answer.arrayBuffer();
  const { steps } = JSON.parse(answer.headers.get("x-sandgate-debug") ?? "{}");
  const ends = steps.map(({ key, outcome, skipped }: Record<string, string>) => [
    Number(key?.split(".").at(-1)),
    outcome ?? skipped,
  ]);
  return { status: answer.status, ends: ends as [number, string][] };
}

/** A critical step that takes 100 ms. */
const slow = { plugin: "loops", priority: 1, onFailure: "open", limits: { deadlineMs: 100 } };

test("when the time of a request is spent, optional steps are left out, and all others run", async (t) => {
  const use = [
    slow,
    { plugin: "marks", id: "critical", priority: 1 },
    { plugin: "marks", id: "essential", priority: 2 },
    { plugin: "marks", id: "optional", priority: 3 },
    { plugin: "tags", id: "also", priority: 3, mode: "parallel" },
    { plugin: "tags", id: "another", priority: 3, mode: "parallel" },
  ];
  const { gateway } = await open(t, { use, limits: { requestMs: 50 } });
  const { status, ends } = await ask(gateway);
  assert.equal(status, 200);
  assert.deepEqual(ends, [
    [0, "deadline"],
    [1, "ok"],
    [2, "ok"],
    [3, "budget"],
    [4, "budget"],
    [5, "budget"],
  ]);
  const samples = await scrape(gateway);
  assert.equal(total(samples, calls, { outcome: "budget" }), 3);
  const line = await gateway.logged(({ reason }) => reason === "budget");
  assert.deepEqual([line.level, line["hook"], line["binding"]], ["debug", "pre_request", "gateway.use.3"]);
  // Nobody waits for what runs after the answer.
  assert.equal(total(samples, calls, { hook: "post_request", outcome: "ok" }), 3);
});

test("with time left optional steps run", async (t) => {
  const { gateway } = await open(t, { use: [slow, { plugin: "marks", priority: 3 }] });
  assert.deepEqual((await ask(gateway)).ends, [
    [0, "deadline"],
    [1, "ok"],
  ]);
});

test("an essential step has what is left, a critical one its own deadline", async (t) => {
  for (const [priority, status] of [
    [1, "own"],
    [2, "left"],
    [3, "left"],
  ] as const) {
    const use = [{ plugin: "loops", priority, onFailure: "open", limits: { deadlineMs: 1_500 } }];
    const { gateway } = await open(t, { use, limits: { requestMs: 200 } });
    const from = Date.now();
    assert.deepEqual((await ask(gateway)).ends, [[0, "deadline"]]);
    assert.equal(Date.now() - from >= 1_400 ? "own" : "left", status);
  }
});

test("a plugin that others leave no time for is not cut off", async (t) => {
  const use = [slow, { plugin: "loops", id: "late", onFailure: "open" }];
  const { gateway } = await open(t, { use, limits: { requestMs: 50 } });
  for (let count = 0; count < 11; count += 1) await ask(gateway);
  const samples = await scrape(gateway);
  assert.equal(total(samples, calls, { binding: "gateway.use.1", outcome: "deadline" }), 11);
  // The one whose own deadline it was is.
  assert.equal(total(samples, calls, { binding: "gateway.use.0", outcome: "rejected" }), 1);
});

test("who is calling is never optional", async (t) => {
  const use = [
    { plugin: "loops", priority: 1, onFailure: "open", limits: { deadlineMs: 100 } },
    { plugin: "knows", priority: 3 },
  ];
  const { gateway } = await open(t, { use, limits: { requestMs: 1 } });
  assert.equal((await ask(gateway)).status, 200);
});

/** A route of a tenant that may have so many calls at once, with these steps. */
async function openTenant(t: TestContext, mostCalls: number, use: readonly object[]) {
  const deadlineMs = 20_000;
  const config = {
    debug: { token },
    limits: { plugins: { fuel, deadlineMs, requestMs: 20_000 } },
    tenants: { small: { calls: mostCalls } },
    routes: {
      all: {
        match: { paths: ["/*"] },
        service: "fake",
        tenant: "small",
        use: use.map((one, order) => ({ order, ...one })),
      },
    },
  };
  return openBench(t, { plugins, config });
}

const whenBusy = { headers: { "x-busy": "1" } };
const busy = { plugin: "loops", id: "busy", priority: 1, onFailure: "open", when: whenBusy };

/** Begins so many requests that keep the plugin `busy`. */
async function occupy(gateway: Awaited<ReturnType<typeof open>>["gateway"], count: number) {
  const client = new AbortController();
  const requests = Array.from({ length: count }, () =>
    gateway
      .fetch("/v1/chat/completions", {
        method: "POST",
        headers: { "content-type": "application/json", "x-busy": "1" },
        body: JSON.stringify(chat),
        signal: client.signal,
      })
      .catch(() => null),
  );
  const [bound] = gateway.running.gateway.current.bindings.values();
  await eventually(
    () => (bound?.pool.size.instances ?? 0) - (bound?.pool.size.idle ?? 0),
    (running) => running === count,
  );
  return async () => {
    client.abort();
    await Promise.all(requests);
  };
}

for (const [mostCalls, running, priority, status, outcome] of [
  [5, 4, 3, 200, "shed"],
  [5, 4, 2, 200, "ok"],
  [5, 3, 3, 200, "ok"],
  [1, 1, 3, 200, "shed"],
  [1, 1, 2, 503, "rejected"],
  [1, 1, 1, 503, "rejected"],
] as const) {
  test(`${running} of a tenant's ${mostCalls} calls run: a step of priority ${priority} ends as ${outcome}`, async (t) => {
    const { gateway } = await openTenant(t, mostCalls, [busy, { plugin: "marks", priority }]);
    const release = await occupy(gateway, running);
    const answer = await ask(gateway);
    await release();
    assert.equal(answer.status, status);
    assert.deepEqual(answer.ends.at(-1), [1, outcome]);
    assert.ok(total(await scrape(gateway), calls, { plugin: "marks", outcome }) >= 1);
  });
}

test("an optional step that is refused all the same is left out, whatever its onFailure", async (t) => {
  const parallel = { plugin: "tags", priority: 3, mode: "parallel", onFailure: "closed" };
  const { gateway } = await openTenant(t, 1, [
    { ...parallel, id: "one" },
    { ...parallel, id: "two" },
  ]);
  const { status, ends } = await ask(gateway);
  assert.equal(status, 200);
  assert.deepEqual(ends, [
    [0, "ok"],
    [1, "shed"],
  ]);
});
