import assert from "node:assert/strict";
import { test } from "node:test";
import { abiVersion } from "#sdk/abi/hooks.ts";
import { startTestGateway } from "#test/harness.ts";
import { assembleWat } from "#test/sandbox/fixture.ts";
import { watPlugin, withManifest } from "#test/wat-plugin.ts";

const spinning = watPlugin(
  { name: "spinning", hooks: { pre_request: { reads: [], writes: [] } } },
  { pre_request: "(loop (br 0)) (i32.const 0)" },
);
const hooks = { pre_request: { reads: [], writes: [] } };
const big = withManifest(
  assembleWat(`(module (memory 300) (func (export "pre_request") (result i32) (i32.const 0)))`),
  { name: "big", version: "1.0.0", abi: abiVersion, hooks },
);
const body = { model: "mock", messages: [{ role: "user", content: "hi" }] };

const config = (use: readonly object[], plugins: object) => ({
  limits: { plugins },
  services: { demo: { provider: "mock" } },
  routes: {
    theirs: { match: { paths: ["/theirs/*"] }, service: "demo", use },
    ours: { match: { paths: ["/ours/*"] }, service: "demo" },
  },
});

test("a binding may lower the operator's limits, not raise them", async (t) => {
  const bound = (fuel: number) => config([{ plugin: "spinning", limits: { fuel } }], { fuel: 2_000_000 });
  const gateway = await startTestGateway(t, { config: bound(1_000_000), plugins: { spinning } });
  assert.equal((await gateway.post("/theirs/chat/completions", body)).status, 500);
  const line = await gateway.logged(({ msg }) => msg === "a plugin failed");
  assert.deepEqual([line["outcome"], line["error"]], ["fuel", "more than 1000000 units of fuel"]);

  await gateway.writeConfig(bound(3_000_000));
  const { problem } = await gateway.logged(({ problem }) => problem !== undefined);
  assert.match(
    String(problem),
    /gateway\.yaml:\d+:\d+ routes\.theirs\.use\.0\.limits\.fuel: 3000000 is above the operator's 2000000, which limits\.plugins\.fuel can raise/,
  );
  assert.equal((await gateway.post("/ours/chat/completions", body)).status, 200);
});

test("the operator may raise what a module needs; modules that were refused are looked at again", async (t) => {
  const gateway = await startTestGateway(t, { config: config([], {}), plugins: { big } });
  const line = await gateway.logged(({ msg }) => msg === "a plugin file is refused");
  assert.match(String(line["reason"]), /memoryPages/);
  assert.match(String(line["reason"]), /300/);

  await gateway.writeConfig(config([{ plugin: "big" }], { memoryMb: 32 }));
  await gateway.logged(({ msg }) => msg === "config and plugins reloaded");
  assert.equal((await gateway.post("/theirs/chat/completions", body)).status, 200);

  await gateway.writeConfig(config([{ plugin: "big" }], { memoryMb: 32, moduleMb: 0.0001 }));
  const { reason, kept } = await gateway.logged(({ reason }) => String(reason).includes("the limit is 104"));
  assert.equal(kept, "big", `${reason}`);
});
