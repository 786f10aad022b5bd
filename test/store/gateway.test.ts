import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ConfigRefused } from "#host/gateway.ts";
import { startTestGateway } from "#test/harness.ts";
import { assembleWat, env, helpersWat } from "#test/sandbox/fixture.ts";
import { withManifest } from "#test/wat-plugin.ts";

/** Counts its calls and answers with the count, one digit; records each in its metrics. */
function countingPlugin(name: string): Uint8Array {
  const before = '{"effects":[{"type":"respond","status":200,"body":';
  const output = `${before}0}]}`;
  const metric = '{"type":"counter","name":"seen","value":1}';
  const data = (at: number, text: string) => `(data (i32.const ${at}) "${text.replaceAll('"', "\\22")}")`;
  const bytes = assembleWat(`(module ${env}
    (import "extism:host/user" "counters_add" (func $add (param i64 i64 i64) (result i64)))
    (import "extism:host/user" "metrics_record" (func $record (param i64)))
    (memory 1) ${helpersWat} ${data(0, "key")} ${data(100, output)} ${data(300, metric)}
    (func $count (result i64)
      (call $add (call $block (i32.const 0) (i32.const 3)) (i64.const 1) (i64.const 0)))
    (func (export "pre_request") (result i32)
      (call $record (call $block (i32.const 300) (i32.const ${metric.length})))
      (i32.store8 (i32.const ${100 + before.length}) (i32.add (i32.const 48) (i32.wrap_i64 (call $count))))
      (call $answer (call $block (i32.const 100) (i32.const ${output.length})))
      (i32.const 0)))`);
  return withManifest(bytes, {
    name,
    version: "1.0.0",
    abi: 1,
    hooks: { pre_request: { writes: ["respond"] } },
    capabilities: ["counters", "metrics"],
  });
}

const grants = { counters: true };
const routes = { all: { match: { paths: ["/*"] }, service: "mock" } };
const services = { mock: { provider: "mock" } };
const configOf = (use: object[], store?: object) => ({
  ...(store === undefined ? {} : { store }),
  gateway: { use },
  routes,
  services,
});

async function stateFile(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "sandgate-state-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return join(folder, "state.db");
}

const start = (t: TestContext, config: object) =>
  startTestGateway(t, {
    config,
    plugins: { count: countingPlugin("count"), other: countingPlugin("other") },
  });

type Gateway = Awaited<ReturnType<typeof start>>;
const count = async (gateway: Gateway) => (await gateway.fetch("/x")).json();

test("what a plugin counts outlives an edit of the config and a restart, but not the binding's id", async (t) => {
  const file = await stateFile(t);
  const binding = { plugin: "count", grants };
  const first = await start(t, configOf([binding], { file }));
  assert.equal(await count(first), 1);
  assert.equal(await count(first), 2);
  // Moved in its list, on other lines, with a binding before it.
  const moved = configOf(
    [
      { plugin: "other", order: 1, grants },
      { ...binding, priority: 1 },
    ],
    { file },
  );
  await first.writeConfig(moved);
  await first.running.gateway.reload();
  assert.equal(await count(first), 3);
  await first.running.stop();

  const second = await start(t, moved);
  assert.equal(await count(second), 4);
  await second.writeConfig(configOf([{ ...binding, id: "another" }], { file }));
  await second.running.gateway.reload();
  assert.equal(await count(second), 1);
});

test("without a file the state outlives a reload, and ends with the process", async (t) => {
  const config = configOf([{ plugin: "count", grants }]);
  const first = await start(t, config);
  assert.equal(await count(first), 1);
  await first.writeConfig({ ...config, limits: { bodyMb: 1 } });
  await first.running.gateway.reload();
  assert.equal(await count(first), 2);
  await first.running.stop();
  assert.equal(await count(await start(t, config)), 1);
});

const refusedWith = (message: RegExp) => (thrown: Error) => {
  assert.ok(thrown instanceof ConfigRefused, String(thrown));
  assert.match(thrown.message, message);
  return true;
};

test("a binding without the grant that its plugin needs is refused with its place and what to add", async (t) => {
  await assert.rejects(
    start(t, configOf([{ plugin: "count" }])),
    refusedWith(
      /gateway\.yaml:\d+:\d+ gateway\.use\.0\.grants: the plugin "count" needs grants\.counters: true$/,
    ),
  );
});

test("a file that cannot be the store is refused at start with its place; on a reload what runs stays", async (t) => {
  const file = await stateFile(t);
  const damaged = `${file}.damaged`;
  await writeFile(damaged, "no database, and longer than a header of one would be.".repeat(50));
  const use = [{ plugin: "count", grants }];
  await assert.rejects(
    start(t, configOf(use, { file: damaged })),
    refusedWith(
      /gateway\.yaml:\d+:\d+ store\.file: .*state\.db\.damaged cannot be the store: it is damaged/s,
    ),
  );
  const gateway = await start(t, configOf(use, { file }));
  assert.equal(await count(gateway), 1);
  await gateway.writeConfig(configOf(use, { file: damaged }));
  await gateway.running.gateway.reload();
  assert.match(gateway.running.gateway.refusals.config.join(), /it is damaged/);
  assert.equal(await count(gateway), 2);
  await assert.rejects(start(t, configOf(use, { file })), refusedWith(/another gateway has it open/));
});

test("what a plugin measures stands on /metrics with its binding, and goes with it", async (t) => {
  const gateway = await start(t, configOf([{ plugin: "count", grants }]));
  const line = 'sandgate_plugin_seen{binding="gateway.use.0",plugin="count"} 2';
  const metrics = async () => (await gateway.fetch("/metrics")).text();
  await count(gateway);
  await count(gateway);
  assert.ok((await metrics()).includes(`\n# TYPE sandgate_plugin_seen counter\n${line}\n`));
  await gateway.writeConfig(configOf([]));
  await gateway.running.gateway.reload();
  assert.doesNotMatch(await metrics(), /sandgate_plugin_seen/);
});
