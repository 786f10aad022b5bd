import assert from "node:assert/strict";
import { test } from "node:test";
import { quarantineLimits } from "#host/limits.ts";
import { startTestGateway, type TestGateway } from "#test/harness.ts";
import { watPlugin } from "#test/wat-plugin.ts";

/** Fails in its way while the request asks for it, and works otherwise: it reads the last byte of the header's value. */
const moody = watPlugin(
  { name: "moody", hooks: { pre_request: { reads: ["request.headers.x-mood"], writes: [] } } },
  {
    pre_request: `(if (i64.gt_u (call $input_length) (i64.const 48)) (then
      (if (i32.eq (call $input_load_u8 (i64.sub (call $input_length) (i64.const 5))) (i32.const 112)) (then (unreachable)))
      (call $error_set (call $alloc (i64.const 3))) (return (i32.const 1))))
    (i32.const 0)`,
  },
);
const body = { model: "mock", messages: [{ role: "user", content: "hi" }] };

type Ready = { quarantined: { binding: string; plugin: string; leftMs: number }[] };

function open(t: Parameters<typeof startTestGateway>[0], onFailure: "closed" | "open") {
  const config = {
    admin: { port: 0 },
    gateway: { use: [{ plugin: "moody", onFailure }] },
    services: { demo: { provider: "mock" } },
    routes: { all: { match: { paths: ["/v1/*"] }, service: "demo" } },
  };
  return startTestGateway(t, { config, plugins: { moody } });
}

async function ask(gateway: TestGateway, mood: string | null): Promise<{ status: number; code?: string }> {
  const headers: Record<string, string> = mood === null ? {} : { "x-mood": mood };
  const response = await gateway.post("/v1/chat/completions", body, headers);
  const { error } = (await response.json()) as { error?: { code: string } };
  return error === undefined ? { status: response.status } : { status: response.status, code: error.code };
}

const quarantined = async (gateway: TestGateway) =>
  ((await (await gateway.fetch("/readyz")).json()) as Ready).quarantined;
const explained = async ({ running }: TestGateway) =>
  ((await (await fetch(`${running.adminUrl}/explain?route=all`)).json()) as Ready).quarantined;
const gauge = async (gateway: TestGateway) =>
  (await (await gateway.fetch("/metrics")).text())
    .split("\n")
    .filter((line) => line.startsWith("sandgate_plugin_quarantined{"));

test("a plugin that traps again and again is cut off, shown everywhere, and back after a good trial", async (t) => {
  const gateway = await open(t, "closed");
  for (let count = 0; count < quarantineLimits.failures; count += 1) {
    assert.deepEqual(await ask(gateway, "trap"), { status: 500, code: "plugin_failed" });
  }
  assert.deepEqual(await ask(gateway, null), { status: 503, code: "plugin_quarantined" });

  const [entry, ...others] = await quarantined(gateway);
  assert.deepEqual([entry?.binding, entry?.plugin, others], ["gateway.use.0", "moody", []]);
  assert.ok(entry !== undefined && entry.leftMs > 0 && entry.leftMs <= quarantineLimits.firstMs);
  assert.deepEqual(
    (await explained(gateway)).map(({ binding }) => binding),
    ["gateway.use.0"],
  );
  assert.deepEqual(await gauge(gateway), [
    'sandgate_plugin_quarantined{plugin="moody",binding="gateway.use.0"} 1',
  ]);
  const line = await gateway.logged(({ msg }) => msg === "a plugin that keeps failing is cut off");
  assert.deepEqual([line["plugin"], line["binding"], line["forMs"]], ["moody", "gateway.use.0", 1_000]);

  await new Promise((resolve) => setTimeout(resolve, entry.leftMs + 20));
  assert.deepEqual(await ask(gateway, null), { status: 200 });
  assert.deepEqual(await quarantined(gateway), []);
  assert.deepEqual(await gauge(gateway), []);
  assert.deepEqual(await explained(gateway), []);
  await gateway.logged(({ msg }) => msg === "a plugin is back in service");
});

test("a plugin that says no, however often, stays in service", async (t) => {
  const gateway = await open(t, "closed");
  for (let count = 0; count < quarantineLimits.failures * 2; count += 1) {
    assert.deepEqual(await ask(gateway, "no"), { status: 500, code: "plugin_failed" });
  }
  assert.deepEqual(await ask(gateway, null), { status: 200 });
});

test("where the failure is open, a plugin that is cut off is skipped", async (t) => {
  const gateway = await open(t, "open");
  for (let count = 0; count <= quarantineLimits.failures; count += 1) {
    assert.deepEqual(await ask(gateway, "trap"), { status: 200 });
  }
  assert.equal((await quarantined(gateway)).length, 1);
  const line = await gateway.logged(({ outcome }) => outcome === "rejected");
  assert.deepEqual([line["error"], line["skipped"]], ["cut off after repeated failures", true]);
});
