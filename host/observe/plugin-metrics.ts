import type { MetricSink, PluginMetric } from "../capabilities/metrics.ts";
import { metricLimits } from "../limits.ts";

/** What plugins measure. */
export type PluginMetrics = {
  readonly sink: MetricSink;
  /** In Prometheus' text format, without the series of bindings that `isBound` does not know any more: those are gone. */
  render(isBound: (plugin: string, binding: string) => boolean): string;
};

type Series = {
  readonly family: string;
  readonly labels: string;
  readonly type: PluginMetric["type"];
  /** Of a counter or gauge; the sum of a histogram. */
  value: number;
  /** Of a histogram: how many values are in each bucket, those of the smaller ones not counted again. */
  readonly buckets: number[];
};

/** The series of one binding. */
type Group = {
  readonly plugin: string;
  readonly binding: string;
  readonly series: Map<string, Series>;
  readonly types: Map<string, PluginMetric["type"]>;
  lines: number;
};

/** Nobody knows what a plugin measures: seconds, tokens or bytes. */
const bounds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 50, 100, 500, 1_000, 5_000, 10_000, 100_000];

/** Of a histogram: its buckets, the one for the rest, sum and count. */
const histogramLines = bounds.length + 3;

/** @param isTaken whether a name is that of a metric of the gateway's own */
export function createPluginMetrics(isTaken: (name: string) => boolean): PluginMetrics {
  const groups = new Map<string, Group>();
  let lines = 0;

  function groupOf(plugin: string, binding: string): Group {
    const key = JSON.stringify([plugin, binding]);
    const known = groups.get(key);
    if (known !== undefined) return known;
    const made: Group = { plugin, binding, series: new Map(), types: new Map(), lines: 0 };
    groups.set(key, made);
    return made;
  }

  /** Null when there is no room for it. */
  function addSeries(
    group: Group,
    key: string,
    { type, labels }: PluginMetric,
    family: string,
  ): Series | null {
    const more = type === "histogram" ? histogramLines : 1;
    if (group.lines + more > metricLimits.linesPerBinding || lines + more > metricLimits.lines) return null;
    group.lines += more;
    lines += more;
    group.types.set(family, type);
    const own = { plugin: group.plugin, binding: group.binding };
    const buckets = type === "histogram" ? new Array<number>(bounds.length + 1).fill(0) : [];
    const made = { family, labels: labelText({ ...own, ...labels }), type, value: 0, buckets };
    group.series.set(key, made);
    return made;
  }

  function record(group: Group, metric: PluginMetric): string | null {
    const family = `sandgate_plugin_${metric.name}`;
    if (isTaken(family)) return `${family} is a metric of the gateway's own`;
    const type = group.types.get(family) ?? metric.type;
    if (type !== metric.type) return `${metric.name} is a ${type} already`;
    const key = metric.name + labelText(metric.labels);
    const series = group.series.get(key) ?? addSeries(group, key, metric, family);
    if (series === null) {
      return `dropped what would be more than ${metricLimits.linesPerBinding} lines of a binding, or ${metricLimits.lines} of all, on /metrics`;
    }
    add(series, metric.value);
    return null;
  }

  return {
    // Looked up each time: a call that outlasts its binding must not write where nobody looks.
    sink:
      ({ plugin, binding }) =>
      (metric) =>
        record(groupOf(plugin, binding), metric),
    render(isBound) {
      for (const [key, { plugin, binding, lines: gone }] of groups) {
        if (isBound(plugin, binding)) continue;
        groups.delete(key);
        lines -= gone;
      }
      const series = Array.from(groups.values(), (group) => [...group.series.values()]).flat();
      return [...Map.groupBy(series, ({ family }) => family)].map(familyText).join("");
    },
  };
}

function add(series: Series, value: number): void {
  if (series.type === "gauge") {
    series.value = value;
    return;
  }
  series.value += value;
  if (series.type === "counter") return;
  const index = bounds.findIndex((bound) => value <= bound);
  const at = index < 0 ? bounds.length : index;
  series.buckets[at] = (series.buckets[at] ?? 0) + 1;
}

/** Bindings that give one name different types are shown without one, which is allowed: none can take a name from another. */
function familyText([family, all]: [string, readonly Series[]]): string {
  const types = new Set(all.map(({ type }) => type));
  const [type = "untyped"] = types.size === 1 ? types : [];
  const lines = all.flatMap(linesOf);
  // Lines of one name have to stand together.
  if (types.size > 1) lines.sort((left, right) => compare(nameOf(left), nameOf(right)));
  return `# TYPE ${family} ${type}\n${lines.join("\n")}\n`;
}

const nameOf = (line: string) => line.slice(0, line.indexOf("{"));
const compare = (left: string, right: string) => (left < right ? -1 : Number(left > right));

function linesOf({ family, labels, type, value, buckets }: Series): string[] {
  if (type !== "histogram") return [`${family}{${labels}} ${numberText(value)}`];
  let count = 0;
  const steps = buckets.map((more, index) => {
    count += more;
    return `${family}_bucket{${labels},le="${bounds[index] ?? "+Inf"}"} ${count}`;
  });
  return [...steps, `${family}_sum{${labels}} ${numberText(value)}`, `${family}_count{${labels}} ${count}`];
}

/** A sum may leave what a double can hold. */
function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? "+Inf" : "-Inf";
}

/** By name, so that one set of labels is one series in whatever order it is written. */
function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .sort(([left], [right]) => compare(left, right))
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(",");
}

function escaped(value: string): string {
  return value.toWellFormed().replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
