// Capability `metrics`. `labels` is a JSON object.

import { blockOf } from "./blocks";
import { quoted } from "./json";

@external("extism:host/user", "metrics_record")
declare function metricsRecord(record: u64): void;

/** Adds to a counter. */
export function count(name: string, by: f64 = 1, labels: string = "{}"): void {
  record("counter", name, by, labels);
}

export function gauge(name: string, value: f64, labels: string = "{}"): void {
  record("gauge", name, value, labels);
}

/** One value of a histogram. */
export function observe(name: string, value: f64, labels: string = "{}"): void {
  record("histogram", name, value, labels);
}

function record(type: string, name: string, value: f64, labels: string): void {
  const series = '{"type":"' + type + '","name":' + quoted(name);
  metricsRecord(blockOf(series + ',"value":' + value.toString() + ',"labels":' + labels + "}"));
}
