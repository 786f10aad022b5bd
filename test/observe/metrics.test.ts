import assert from "node:assert/strict";
import { test } from "node:test";
import { createMetrics, type Metrics } from "#host/observe/metrics.ts";
import { exchangeOf } from "#test/pipeline/exchange.ts";
import { stepOf } from "#test/pipeline/step.ts";

/** The gateway's own lines that are not 0 and begin so. */
async function lines(metrics: Metrics, begin: string): Promise<string[]> {
  const { text } = await metrics.render({ bindings: new Map(), quarantined: () => [] });
  return text.split("\n").filter((line) => line.startsWith(begin) && !line.endsWith(" 0"));
}

test("a request counts by route, service and status, and by how long it took", async () => {
  const metrics = createMetrics();
  const exchange = exchangeOf({ route: "chat", service: "demo" });
  metrics.request(exchange, 200);
  metrics.request(exchange, 200);
  metrics.request(exchange, 499);
  assert.deepEqual(await lines(metrics, "sandgate_requests_total"), [
    'sandgate_requests_total{route="chat",service="demo",status="200"} 2',
    'sandgate_requests_total{route="chat",service="demo",status="499"} 1',
  ]);
  assert.deepEqual(await lines(metrics, "sandgate_request_duration_seconds_count"), [
    'sandgate_request_duration_seconds_count{route="chat",service="demo"} 3',
  ]);
  assert.deepEqual(await lines(metrics, "sandgate_upstream"), []);
});

test("only a request that asked an upstream counts for it, in seconds", async () => {
  const metrics = createMetrics();
  metrics.request(Object.assign(exchangeOf({ service: "demo" }), { upstreamMs: 1_500 }), 200);
  assert.deepEqual(await lines(metrics, "sandgate_upstream_duration_seconds_sum"), [
    'sandgate_upstream_duration_seconds_sum{service="demo"} 1.5',
  ]);
});

test("a step counts by plugin, binding, hook and outcome, with its fuel and its seconds", async () => {
  const metrics = createMetrics();
  const step = stepOf("error", {});
  const report = {
    step,
    error: null,
    skipped: false,
    durationUs: 2_000,
    fuelUsed: 7,
    requestId: "id",
    calls: 1,
    observed: {},
  };
  metrics.step({ ...report, outcome: "ok" });
  metrics.step({ ...report, outcome: "trap" });
  const labels = 'plugin="probe",binding="gateway.use.0",hook="error"';
  assert.deepEqual(await lines(metrics, "sandgate_plugin_calls_total"), [
    `sandgate_plugin_calls_total{${labels},outcome="ok"} 1`,
    `sandgate_plugin_calls_total{${labels},outcome="trap"} 1`,
  ]);
  assert.deepEqual(await lines(metrics, "sandgate_plugin_fuel_total"), [
    `sandgate_plugin_fuel_total{${labels}} 14`,
  ]);
  assert.deepEqual(await lines(metrics, "sandgate_plugin_call_duration_seconds_sum"), [
    `sandgate_plugin_call_duration_seconds_sum{${labels}} 0.004`,
  ]);
});

test("what an observed step asked for counts by effect", async () => {
  const metrics = createMetrics();
  const step = stepOf("pre_request", {}, { effect: "observe" });
  const measured = { durationUs: 1, fuelUsed: 1, requestId: "id", calls: 1 };
  const report = { step, outcome: "ok", error: null, skipped: false, ...measured } as const;
  metrics.step({ ...report, observed: { tag: 2, respond: 1 } });
  metrics.step({ ...report, observed: { tag: 1 } });
  const labels = 'plugin="probe",binding="gateway.use.0",hook="pre_request"';
  assert.deepEqual(await lines(metrics, "sandgate_plugin_observed_effects_total"), [
    `sandgate_plugin_observed_effects_total{${labels},effect="tag"} 3`,
    `sandgate_plugin_observed_effects_total{${labels},effect="respond"} 1`,
  ]);
});

test("two gateways of a process count for themselves", async () => {
  const [one, two] = [createMetrics(), createMetrics()];
  one.reload("applied");
  assert.deepEqual(await lines(one, "sandgate_reloads_total"), [
    'sandgate_reloads_total{result="applied"} 1',
  ]);
  assert.deepEqual(await lines(two, "sandgate_reloads_total"), []);
});
