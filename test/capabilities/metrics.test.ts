import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { memoryBacking } from "#host/capabilities/all.ts";
import { metricLimits } from "#host/limits.ts";
import { createMetrics } from "#host/observe/metrics.ts";
import { grant, openCalls, type UserCall } from "./user-calls.ts";

type Bound = { readonly plugin: string; readonly binding: string };
const first: Bound = { plugin: "p", binding: "gateway.use.0" };
const second: Bound = { plugin: "q", binding: "gateway.use.1" };

/** The gateway's metrics, and plugins that record in them. */
function openMetrics(t: TestContext) {
  const metrics = createMetrics();
  const backing = { ...memoryBacking(), metrics: metrics.plugins };
  return {
    /** Records texts, or what becomes one, in one call of a plugin; answers its log. */
    async record(names: Bound, ...records: unknown[]): Promise<string[]> {
      const calls = records.map(
        (one): UserCall => [
          "metrics_record",
          typeof one === "string" || one instanceof Uint8Array ? one : JSON.stringify(one),
        ],
      );
      const plugin = await openCalls(t, grant({ backing, ...names }), { record: calls });
      const { outcome, error } = await plugin.call("record");
      assert.equal(outcome, "ok", error ?? "");
      return plugin.log.map(({ level, text }) => `${level} ${text}`);
    },
    /** The lines of plugins' own metrics while these bindings serve. */
    async lines(...bound: Bound[]): Promise<string[]> {
      const bindings = new Map(bound.map(({ plugin, binding }) => [binding, { plugin }]));
      const { text } = await metrics.render({ bindings, quarantined: () => [] });
      assert.ok(text.endsWith("\n"));
      const all = text.split("\n");
      const own =
        /^(# \w+ )?sandgate_plugin_(calls_total|call_duration|fuel_total|observed_effects_total|quarantined)/;
      return all.filter((line) => /^(# TYPE )?sandgate_plugin_/.test(line) && !own.test(line));
    },
  };
}

const labelled = 'binding="gateway.use.0",plugin="p"';

test("counters add up, gauges are set, histograms have buckets, a sum and a count", async (t) => {
  const { record, lines } = openMetrics(t);
  const count = { type: "counter", name: "hits_total", value: 2, labels: { b: "x", a: "y" } };
  const log = await record(first, count, { ...count, labels: { a: "y", b: "x" }, value: 0.5 });
  await record(
    first,
    { type: "gauge", name: "level", value: 7 },
    { type: "gauge", name: "level", value: -3 },
  );
  for (const value of [0.001, 7, 1e9]) await record(first, { type: "histogram", name: "took", value });
  assert.deepEqual(log, []);
  const all = await lines(first);
  assert.deepEqual(all.slice(0, 4), [
    "# TYPE sandgate_plugin_hits_total counter",
    `sandgate_plugin_hits_total{a="y",b="x",${labelled}} 2.5`.replace(
      'a="y",b="x",binding',
      'a="y",b="x",binding',
    ),
    "# TYPE sandgate_plugin_level gauge",
    `sandgate_plugin_level{${labelled}} -3`,
  ]);
  const histogram = all.slice(4);
  assert.equal(histogram[0], "# TYPE sandgate_plugin_took histogram");
  assert.ok(histogram.includes(`sandgate_plugin_took_bucket{${labelled},le="0.001"} 1`));
  assert.ok(histogram.includes(`sandgate_plugin_took_bucket{${labelled},le="5"} 1`));
  assert.ok(histogram.includes(`sandgate_plugin_took_bucket{${labelled},le="10"} 2`));
  assert.ok(histogram.includes(`sandgate_plugin_took_bucket{${labelled},le="+Inf"} 3`));
  assert.ok(histogram.includes(`sandgate_plugin_took_sum{${labelled}} 1000000007.001`));
  assert.ok(histogram.includes(`sandgate_plugin_took_count{${labelled}} 3`));
});

test("what a metric may not be is dropped with a line in the log, and the call goes on", async (t) => {
  const { record, lines } = openMetrics(t);
  const good = { type: "counter", name: "good", value: 1, labels: {} };
  for (const [wrong, message] of [
    ["no JSON", /not JSON/],
    [Uint8Array.of(0xff), /not UTF-8/],
    ["[".repeat(4_000), /not JSON/],
    ["x".repeat(metricLimits.recordBytes + 1), /more than 4096 bytes/],
    [null, /./],
    [{ ...good, type: "summary" }, /type/],
    [{ ...good, name: "a-b" }, /letters, digits and underscores/],
    [{ ...good, name: "1st" }, /letters, digits/],
    [{ ...good, name: 'a{b="c"} 1\nevil' }, /letters, digits/],
    [{ ...good, name: "n".repeat(65) }, /name/],
    [{ ...good, name: "took_bucket" }, /part of a histogram/],
    [{ ...good, name: "calls_total" }, /sandgate_plugin_calls_total is a metric of the gateway's own/],
    [{ ...good, name: "call_duration_seconds", type: "histogram" }, /gateway's own/],
    [{ ...good, value: -1 }, /value/],
    [{ ...good, value: "1" }, /value/],
    [{ ...good, value: null }, /value/],
    ['{"type":"counter","name":"good","value":1e999}', /value/],
    [{ ...good, labels: { plugin: "other" } }, /gateway's own/],
    [{ ...good, labels: { binding: "other" } }, /gateway's own/],
    [{ ...good, labels: { le: "1" } }, /gateway's own/],
    [{ ...good, labels: { "a-b": "x" } }, /letters, digits/],
    [{ ...good, labels: { a: 1 } }, /labels/],
    [{ ...good, labels: { a: "x".repeat(129) } }, /labels/],
    [
      { ...good, labels: Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`l${at}`, ""])) },
      /more than 8 labels/,
    ],
  ] as const) {
    const [line = "", ...more] = await record(first, wrong);
    assert.match(line, /^warn metrics_record: /);
    assert.match(line, message);
    assert.deepEqual(more, []);
  }
  assert.deepEqual(await lines(first), []);
});

test("a label is written so that it stays one", async (t) => {
  const { record, lines } = openMetrics(t);
  await record(first, { type: "gauge", name: "a", value: 1, labels: { x: 'q"\\\nb\ud800' } });
  assert.deepEqual(await lines(first), [
    "# TYPE sandgate_plugin_a gauge",
    `sandgate_plugin_a{${labelled},x="q\\"\\\\\\nb\ufffd"} 1`,
  ]);
});

test("one name with two types: refused inside of a binding, shown without a type where two bindings differ", async (t) => {
  const { record, lines } = openMetrics(t);
  await record(first, { type: "counter", name: "load", value: 1 });
  const [line = ""] = await record(first, { type: "gauge", name: "load", value: 9 });
  assert.match(line, /^warn metrics_record: load is a counter already$/);
  await record(second, { type: "histogram", name: "load", value: 3 });
  const all = await lines(first, second);
  assert.equal(all.filter((one) => one.startsWith("# TYPE sandgate_plugin_load")).length, 1);
  assert.equal(all[0], "# TYPE sandgate_plugin_load untyped");
  assert.ok(all.includes(`sandgate_plugin_load{${labelled}} 1`));
  assert.ok(all.includes('sandgate_plugin_load_count{binding="gateway.use.1",plugin="q"} 1'));
  const names = all.slice(1).map((one) => one.slice(0, one.indexOf("{")));
  assert.deepEqual(names, [...names].sort(), "lines of one name stand together");
});

test("a binding has so many lines; more series are dropped and told once, those that are there go on", async (t) => {
  const { record, lines } = openMetrics(t);
  const series = (value: number) => ({
    type: "counter",
    name: "many",
    value: 1,
    labels: { key: String(value) },
  });
  const records = Array.from({ length: metricLimits.linesPerBinding + 50 }, (_, key) => series(key));
  const log = await record(first, ...records, series(0));
  assert.deepEqual(log.length, 1);
  assert.match(log[0] ?? "", /more than 400 lines of a binding/);
  await record(second, series(0));
  const all = await lines(first, second);
  assert.equal(all.length, 1 + metricLimits.linesPerBinding + 1);
  assert.ok(all.includes(`sandgate_plugin_many{${labelled.replace("plugin", 'key="0",plugin')}} 2`));
});

test("what a binding measured goes with it, and its room is free again", async (t) => {
  const { record, lines } = openMetrics(t);
  const gauge = { type: "gauge", name: "level", value: 1 };
  await record(first, gauge);
  await record(second, gauge);
  assert.equal((await lines(first, second)).length, 3);
  assert.deepEqual(await lines({ ...second, binding: first.binding }), [], "another plugin at that place");
  assert.deepEqual(await lines(first, second), []);
  await record(first, { ...gauge, type: "counter" });
  assert.deepEqual(await lines(first), [
    "# TYPE sandgate_plugin_level counter",
    `sandgate_plugin_level{${labelled}} 1`,
  ]);
});

test("all bindings together have so many lines, which those that are gone give back", async () => {
  const metrics = createMetrics();
  const perBinding = metricLimits.linesPerBinding;
  const bindings = new Map<string, { plugin: string }>();
  const serving = { bindings, quarantined: () => [] };
  const recordAll = (binding: string) => {
    const record = metrics.plugins({ plugin: "p", binding });
    const drops = Array.from({ length: perBinding }, (_, key) =>
      record({ type: "counter", name: "many", value: 1, labels: { key: String(key) } }),
    );
    return drops.filter((reason) => reason !== null).length;
  };
  for (let at = 0; at < metricLimits.lines / perBinding; at += 1) assert.equal(recordAll(`b${at}`), 0);
  assert.equal(recordAll("more"), perBinding);
  bindings.set("b0", { plugin: "p" });
  await metrics.render(serving);
  assert.equal(recordAll("more"), 0);
});
