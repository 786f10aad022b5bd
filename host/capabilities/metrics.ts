import { z } from "zod";
import { metricLimits } from "#host/limits.ts";
import type { Capability } from "./capability.ts";
import { firstProblem } from "./first-problem.ts";
import { Refused, readText, userImportNames, userImports } from "./user-functions.ts";

const { nameChars, labels: mostLabels, labelValueChars, recordBytes } = metricLimits;

const name = z
  .string()
  .max(nameChars)
  .regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, "must be letters, digits and underscores, the first no digit")
  .refine((text) => !/_(bucket|sum|count)$/.test(text), "ends as a part of a histogram does");

/** Those that the gateway and Prometheus set. */
const ownLabels = new Set(["plugin", "binding", "le", "quantile"]);
const labelName = z
  .string()
  .max(nameChars)
  .regex(/^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/, "must be letters, digits and underscores, the first no digit")
  .refine((text) => !ownLabels.has(text), "is a label of the gateway's own");

const labels = z
  .record(labelName, z.string().max(labelValueChars))
  .refine((all) => Object.keys(all).length <= mostLabels, `more than ${mostLabels} labels`);

const metricSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("counter"), name, value: z.number().min(0), labels: labels.default({}) }),
  z.object({ type: z.literal("gauge"), name, value: z.number(), labels: labels.default({}) }),
  z.object({ type: z.literal("histogram"), name, value: z.number(), labels: labels.default({}) }),
]);

/** One value that a plugin has measured, checked. */
export type PluginMetric = z.infer<typeof metricSchema>;

/** Where the values of a binding go. The answer says why one is dropped; null when it is not. */
export type MetricSink = (names: {
  readonly plugin: string;
  readonly binding: string;
}) => (metric: PluginMetric) => string | null;

/** Reasons for dropping values that are told of one binding. */
const mostReasons = 20;

/**
 * `metrics_record`: a value of a series on the gateway's `/metrics`, `sandgate_plugin_NAME` with the labels `plugin` and `binding`.
 * A metric never fails a request: what cannot be taken is dropped, with a line in the plugin's log. Limits: `metricLimits`.
 */
export function createMetrics(sink: MetricSink): Capability {
  return {
    name: "metrics",
    imports: userImportNames("metrics"),
    needs: '"metrics" among the capabilities of its manifest',
    grant({ plugin, binding, manifest }) {
      if (!manifest.capabilities?.includes("metrics")) return null;
      const record = sink({ plugin, binding });
      const told = new Set<string>();
      return userImports("metrics", {
        metrics_record(call, at = 0n) {
          try {
            const metric = parseMetric(readText(call, at, { limit: recordBytes, what: "the metric" }));
            const reason = call.active ? record(metric) : null;
            if (reason === null || told.has(reason) || told.size >= mostReasons) return 0n;
            told.add(reason);
            call.log("warn", `metrics_record: ${reason}`);
          } catch (thrown) {
            if (!(thrown instanceof Refused)) throw thrown;
            call.log("warn", `metrics_record: ${thrown.message}`);
          }
          return 0n;
        },
      });
    },
  };
}

/** @throws Refused */
function parseMetric(text: string): PluginMetric {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Refused("the metric is not JSON");
  }
  const parsed = metricSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Refused(firstProblem(parsed.error));
}
