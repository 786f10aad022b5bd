import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "@prometheus-io/client";
import type { MetricSink } from "../capabilities/metrics.ts";
import type { AttemptReport, Exchange } from "../exchange.ts";
import type { CallReport, SkipReport } from "../pipeline/run-stage.ts";
import { createPluginMetrics } from "./plugin-metrics.ts";

/** What `/metrics` shows. Labels are names of the config, statuses and outcomes, so their number is bounded by it. */
export type Metrics = {
  /** An exchange that is over; `status` is 499 when the client left before the answer was complete. */
  request(exchange: Exchange, status: number): void;
  step(report: CallReport): void;
  /** A call that was not made; one whose condition did not hold is none. */
  skip(skip: SkipReport): void;
  attempt(report: AttemptReport): void;
  reload(result: "applied" | "refused"): void;
  /** What plugins measure themselves. */
  readonly plugins: MetricSink;
  /** The text that Prometheus scrapes, with its content type. */
  render(serving: Serving): Promise<{ readonly contentType: string; readonly text: string }>;
};

/** The generation of this moment: its bindings, and those of them that are cut off. */
export type Serving = {
  readonly bindings: ReadonlyMap<string, { readonly plugin: string }>;
  quarantined(): readonly { readonly plugin: string; readonly binding: string }[];
};

/** Seconds: a cached answer takes a few ms, a reasoning model minutes. */
const requestBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180];
/** Seconds: a hook takes some 10 us; the default deadline is 2 s. */
const stepBuckets = [0.000_01, 0.000_05, 0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 2];

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: "sandgate_requests_total",
    help: "Requests that are over. Status 499: the client left before the answer was complete.",
    labelNames: ["route", "service", "status"],
    registers,
  });
  const duration = new Histogram({
    name: "sandgate_request_duration_seconds",
    help: "From the first byte of the request to the last of the answer.",
    labelNames: ["route", "service"],
    buckets: requestBuckets,
    registers,
  });
  const upstream = new Histogram({
    name: "sandgate_upstream_duration_seconds",
    help: "From sending to the upstream to the headers of its answer.",
    labelNames: ["service"],
    buckets: requestBuckets,
    registers,
  });
  const attempts = new Counter({
    name: "sandgate_upstream_attempts_total",
    help: "Attempts at upstreams, by target and status of the answer; without an answer the code of the error.",
    labelNames: ["service", "target", "result"],
    registers,
  });
  const calls = new Counter({
    name: "sandgate_plugin_calls_total",
    help: "Calls of plugin hooks by their outcome.",
    labelNames: ["plugin", "binding", "hook", "outcome"],
    registers,
  });
  const callDuration = new Histogram({
    name: "sandgate_plugin_call_duration_seconds",
    help: "Duration of plugin hooks, waiting for host functions and the CPU included; of events the mean of a stream.",
    labelNames: ["plugin", "binding", "hook"],
    buckets: stepBuckets,
    registers,
  });
  const observedEffects = new Counter({
    name: "sandgate_plugin_observed_effects_total",
    help: "Effects that hooks of bindings with `effect: observe` asked for and that were not applied.",
    labelNames: ["plugin", "binding", "hook", "effect"],
    registers,
  });
  const fuel = new Counter({
    name: "sandgate_plugin_fuel_total",
    help: "Fuel that plugin hooks have used.",
    labelNames: ["plugin", "binding", "hook"],
    registers,
  });
  const cutOff = new Gauge({
    name: "sandgate_plugin_quarantined",
    help: "1 for a binding whose plugin is cut off because it kept failing.",
    labelNames: ["plugin", "binding"],
    registers,
  });
  const reloads = new Counter({
    name: "sandgate_reloads_total",
    help: "Changes of config or plugins, by whether they were taken up.",
    labelNames: ["result"],
    registers,
  });
  const plugins = createPluginMetrics((name) => registry.getSingleMetric(name) !== undefined);

  return {
    request({ route, service, startedMs, upstreamMs }, status) {
      const labels = { route: route ?? "", service: service ?? "" };
      requests.inc({ ...labels, status: String(status) });
      duration.observe(labels, (performance.now() - startedMs) / 1000);
      if (upstreamMs !== null) upstream.observe({ service: labels.service }, upstreamMs / 1000);
    },
    step({ step, outcome, durationUs, fuelUsed, calls: times, observed }) {
      const labels = { plugin: step.binding.plugin, binding: step.key, hook: step.hook };
      calls.inc({ ...labels, outcome }, times);
      callDuration.observe(labels, durationUs / times / 1_000_000);
      fuel.inc(labels, fuelUsed);
      for (const [effect, count] of Object.entries(observed))
        observedEffects.inc({ ...labels, effect }, count);
    },
    skip({ step, reason }) {
      if (reason === "when") return;
      calls.inc({ plugin: step.binding.plugin, binding: step.key, hook: step.hook, outcome: reason });
    },
    attempt({ service, target, status, error }) {
      attempts.inc({ service, target: target ?? "", result: String(status ?? error?.code) });
    },
    reload: (result) => reloads.inc({ result }),
    plugins: plugins.sink,
    async render({ bindings, quarantined }) {
      cutOff.reset();
      for (const { plugin, binding } of quarantined()) cutOff.set({ plugin, binding }, 1);
      const measured = plugins.render((plugin, binding) => bindings.get(binding)?.plugin === plugin);
      return { contentType: registry.contentType, text: (await registry.metrics()) + measured };
    },
  };
}
