import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { startTestGateway, type TestGateway } from "#test/harness.ts";
import { inputWat } from "#test/pipeline/stage.ts";
import { compileSources } from "#test/sdk/source-plugin.ts";
import { type HookBody, watPlugin } from "#test/wat-plugin.ts";
import { endings, noJson } from "./case-file.ts";
import { eventually } from "./eventually.ts";
import { scrape, total } from "./metrics.ts";
import { stamp } from "./stamp.ts";

const calls = "sandgate_plugin_calls_total";
const target = "http://127.0.0.1:9/v1";
const other = "http://127.0.0.1:9/other";

/** A plugin that logs its input from time to time, and then does this. */
function ticking(does: HookBody, { name = "ticks", every = "100ms" } = {}): Uint8Array {
  const reads = ["context.targets", "context.service"] as const;
  const hooks = { schedule: { every, reads, writes: ["health"] as const } };
  if (typeof does !== "string") return watPlugin({ name, hooks }, { schedule: does });
  return watPlugin({ name, hooks }, { schedule: does }, `${inputWat} ${noJson}`);
}

const logging = "(call $log_info (call $input)) (i32.const 0)";

function configOf(use: readonly object[], ofService: readonly object[] = []): object {
  return {
    gateway: { use },
    services: {
      one: { provider: "openai", targets: [{ url: target, key: "k" }], use: ofService },
      two: { provider: "openai", targets: [{ url: other, key: "k" }] },
    },
    routes: {
      one: { match: { paths: ["/one/*"] }, service: "one" },
      two: { match: { paths: ["/two/*"] }, service: "two" },
    },
  };
}

const start = (t: TestContext, use: readonly object[], plugin: Uint8Array) =>
  startTestGateway(t, { config: configOf(use), plugins: { ticks: plugin } });

const runs = async (gateway: TestGateway, labels: Record<string, string> = {}) =>
  total(await scrape(gateway), calls, { hook: "schedule", ...labels });

const inputs = ({ log }: TestGateway) =>
  log
    .filter(({ plugin, msg }) => plugin === "ticks" && msg.startsWith("{"))
    .map(({ msg }) => JSON.parse(msg));

test("a schedule hook runs again and again, without any request, and sees the targets", async (t) => {
  const gateway = await start(t, [{ plugin: "ticks" }], ticking(logging));
  await eventually(
    () => runs(gateway, { outcome: "ok" }),
    (count) => count >= 3,
  );
  const targets = [target, other].map((url) => ({ url, healthy: true }));
  assert.deepEqual(inputs(gateway)[0], { stage: "schedule", context: { targets } });
  const ids = gateway.log.flatMap(({ plugin, requestId }) => (plugin === "ticks" ? [requestId] : []));
  assert.ok(ids.length >= 3);
  assert.equal(new Set(ids).size, ids.length);
});

test("a binding says how often, in place of the manifest", async (t) => {
  const use = [{ plugin: "ticks", schedule: { every: "100ms" } }];
  const gateway = await start(t, use, ticking(logging, { every: "90h" }));
  await eventually(
    () => runs(gateway),
    (count) => count >= 2,
  );
});

test("one of a service sees its targets alone, and one of a route none", async (t) => {
  for (const [level, context] of [
    ["services", { service: "one", targets: [{ url: target, healthy: true }] }],
    ["routes", { targets: [] }],
  ] as const) {
    const config = configOf([], level === "services" ? [{ plugin: "ticks" }] : []) as {
      routes: Record<string, object>;
    };
    if (level === "routes") config.routes["one"] = { ...config.routes["one"], use: [{ plugin: "ticks" }] };
    const gateway = await startTestGateway(t, { config, plugins: { ticks: ticking(logging) } });
    await eventually(
      () => inputs(gateway).length,
      (count) => count > 0,
    );
    assert.deepEqual(inputs(gateway)[0], { stage: "schedule", context });
  }
});

test("one at the gateway leaves the targets of a service that binds its id, also to disable it", async (t) => {
  for (const [ofService, expected] of [
    [{ plugin: "ticks", enabled: false }, [other]],
    [{ plugin: "ticks", id: "another" }, [target, other]],
  ] as const) {
    const config = configOf([{ plugin: "ticks" }], [ofService]);
    const gateway = await startTestGateway(t, { config, plugins: { ticks: ticking(logging) } });
    const ofGateway = () => inputs(gateway).filter(({ context }) => context.service === undefined);
    await eventually(
      async () => ofGateway().length,
      (count) => count > 0,
    );
    assert.deepEqual(
      ofGateway()[0].context.targets,
      expected.map((url) => ({ url, healthy: true })),
    );
  }
});

test("what it says of a target's health holds for requests, and for the next run", async (t) => {
  const says = ticking([{ type: "health", url: target, healthy: false }]);
  const watch = watPlugin(
    { name: "watch", hooks: { pre_request: { reads: ["context.targets"], writes: ["respond"] } } },
    { pre_request: `(call $log_info (call $input)) ${respond}` },
    `${inputWat} (data (i32.const 512) "${escaped({ effects: [{ type: "respond", status: 204 }] })}")`,
  );
  const config = configOf([{ plugin: "ticks" }, { plugin: "watch" }]);
  const gateway = await startTestGateway(t, { config, plugins: { ticks: says, watch } });
  await eventually(
    () => runs(gateway, { outcome: "ok" }),
    (count) => count >= 1,
  );
  await gateway.post("/one/chat/completions", {});
  const line = await gateway.logged(({ plugin }) => plugin === "watch");
  assert.deepEqual(JSON.parse(line.msg).context.targets, [{ url: target, healthy: false }]);
});

test("one that only observes says nothing of a target", async (t) => {
  const says = ticking([{ type: "health", url: target, healthy: false }]);
  const sees = ticking(logging, { name: "sees" });
  const use = [{ plugin: "ticks", effect: "observe" }, { plugin: "sees" }];
  const gateway = await startTestGateway(t, { config: configOf(use), plugins: { ticks: says, sees } });
  await eventually(
    () => runs(gateway, { plugin: "ticks", outcome: "ok" }),
    (count) => count >= 1,
  );
  const observed = total(await scrape(gateway), "sandgate_plugin_observed_effects_total", {
    effect: "health",
  });
  assert.ok(observed >= 1);
  const seen = () => gateway.log.filter(({ plugin, msg }) => plugin === "sees" && msg.startsWith("{"));
  await eventually(
    () => seen().length,
    (count) => count >= 2,
  );
  assert.doesNotMatch(seen().at(-1)?.msg ?? "", /false/);
});

for (const [name, does, outcome] of [
  ["traps", endings.traps, "trap"],
  ["puts out garbage", endings.garbage, "error"],
  ["answers", [{ type: "respond", status: 200 }], "error"],
  ["names a target that there is not", [{ type: "health", url: "http://none", healthy: true }], "error"],
] as const) {
  test(`one that ${name} is logged and counted, and requests go on`, async (t) => {
    const gateway = await start(t, [{ plugin: "ticks" }], ticking(does));
    const line = await gateway.logged(({ msg }) => msg === "a plugin failed");
    assert.deepEqual(
      [line["hook"], line["outcome"], line["binding"]],
      ["schedule", outcome, "gateway.use.0"],
    );
    await eventually(
      () => runs(gateway, { outcome }),
      (count) => count >= 1,
    );
    assert.equal((await gateway.fetch("/healthz")).status, 200);
  });
}

test("one that keeps trapping is cut off", async (t) => {
  const gateway = await start(t, [{ plugin: "ticks" }], ticking(endings.traps));
  await eventually(
    () => runs(gateway, { outcome: "rejected" }),
    (count) => count >= 1,
  );
  assert.ok((await runs(gateway, { outcome: "trap" })) >= 10);
});

test("a run that has not ended when the next is due is not joined by it", async (t) => {
  const limits = { fuel: 100_000_000_000, deadlineMs: 700 };
  const config = {
    ...configOf([{ plugin: "ticks" }]),
    limits: { plugins: limits },
  };
  const gateway = await startTestGateway(t, { config, plugins: { ticks: ticking(endings.loops) } });
  await eventually(
    () => runs(gateway, { outcome: "overlap" }),
    (count) => count >= 3,
  );
  assert.ok((await runs(gateway, { outcome: "deadline" })) <= 1);
});

test("a gateway that stops ends what runs", async (t) => {
  const limits = { fuel: 100_000_000_000, deadlineMs: 60_000 };
  const config = { ...configOf([{ plugin: "ticks" }]), limits: { plugins: limits } };
  const gateway = await startTestGateway(t, {
    config,
    plugins: { ticks: ticking(`(call $log_info (call $input)) ${endings.loops}`) },
  });
  await eventually(
    () => inputs(gateway).length,
    (count) => count > 0,
  );
  const from = Date.now();
  await gateway.running.stop();
  assert.ok(Date.now() - from < 10_000);
});

test("a reload that leaves the binding as it is keeps its rhythm; one without it ends it", async (t) => {
  const slow = { plugin: "ticks", schedule: { every: "2s" } };
  const gateway = await start(t, [slow], ticking(logging));
  await eventually(
    () => inputs(gateway).length,
    (count) => count === 1,
  );
  // Anew it would run at once, at most a tenth of its time late.
  await gateway.writeConfig(configOf([{ plugin: "ticks", id: "first", enabled: false }, slow]));
  await gateway.logged(({ msg }) => msg === "config and plugins reloaded");
  await sleep(400);
  assert.equal(inputs(gateway).length, 1);
  await eventually(
    () => inputs(gateway).length,
    (count) => count === 2,
  );
  assert.equal(await runs(gateway, { binding: "gateway.use.1" }), 1);

  const reloads = () => gateway.log.filter(({ msg }) => msg === "config and plugins reloaded").length;
  await gateway.writeConfig(configOf([]));
  await eventually(reloads, (count) => count === 2);
  await sleep(2_300);
  assert.equal(inputs(gateway).length, 2);
});

const respond = `(call $puts (i32.const 512) (i32.const ${JSON.stringify({ effects: [{ type: "respond", status: 204 }] }).length})) (i32.const 0)`;

function escaped(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("hex").replace(/../g, "\\$&");
}

test("a plugin in TypeScript probes its targets", async (t) => {
  const { wasm } = await compileSources(
    t,
    `import { definePlugin } from "@sandgate/plugin-sdk";
import { setHealth } from "@sandgate/plugin-sdk/effects";
export default definePlugin({
  name: "ticks",
  version: "1.0.0",
  hooks: { schedule: { every: "100ms", reads: ["context.targets"], writes: ["health"] } },
  schedule({ context }, host) {
    host.log.info("targets", { targets: context?.targets ?? [] });
    return (context?.targets ?? []).map(({ url }) => setHealth(url, url.endsWith("/v1")));
  },
});
`,
  );
  const gateway = await start(t, [{ plugin: "ticks" }], wasm);
  const healths = [
    { url: target, healthy: true },
    { url: other, healthy: false },
  ];
  await gateway.logged(({ data }) => isDeepStrictEqual(data, { targets: healths }));
});

for (const [name, plugin, binding, message] of [
  [
    "a schedule for a plugin without the hook",
    stamp(1),
    { plugin: "stamp", schedule: { every: "1s" } },
    /gateway\.use\.0\.schedule.* has no hook that runs from time to time/,
  ],
  [
    "one too often",
    ticking(logging),
    { plugin: "ticks", schedule: { every: "99ms" } },
    /must be at least 100ms/,
  ],
] as const) {
  test(`${name} is a mistake of the config`, async (t) => {
    const plugins = { [binding.plugin]: plugin };
    await assert.rejects(startTestGateway(t, { config: configOf([binding]), plugins }), message);
  });
}

test("by cron or every so long: not both", async (t) => {
  const both = watPlugin(
    { name: "ticks", hooks: { schedule: { every: "1s", cron: "* * * * *" } } },
    { schedule: [] },
  );
  const gateway = await startTestGateway(t, { config: configOf([]), plugins: { ticks: both } });
  const { refused } = (await (await gateway.fetch("/readyz")).json()) as {
    refused: { plugins: { reason: string }[] };
  };
  assert.match(refused.plugins[0]?.reason ?? "", /\/hooks\/schedule/);
});
