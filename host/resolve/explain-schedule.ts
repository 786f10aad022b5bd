import { durationMs } from "#config/schema.ts";
import type { ConfigSource } from "#config/source.ts";
import { type Said, saidOf } from "./explain-value.ts";
import { isObject } from "./merge.ts";
import type { Rhythm, ScheduledStep } from "./scheduled.ts";

/** A hook that runs from time to time. */
export type ExplainedSchedule = {
  /** The key of its binding. */
  readonly binding: string;
  readonly id: string;
  readonly plugin: string;
  /** `{"every": "30s"}`, or `{"cron": "0 3 * * *", "timezone": "UTC"}`. */
  readonly schedule: Said;
  /** By up to so much each run is late. */
  readonly jitterMs: number;
  /** When it runs next, ISO 8601; null where no gateway is asked. */
  readonly next: string | null;
};

/** What the gateway makes of schedules. */
export type ScheduleContext = {
  readonly leastMs: number;
  readonly jitterShare: number;
  readonly cronJitterMs: number;
  readonly next: (binding: string) => Date | null;
};

export function explainSchedule(
  { binding, rhythm }: ScheduledStep,
  { source, schedules }: { readonly source: ConfigSource; readonly schedules: ScheduleContext },
): ExplainedSchedule {
  const { key, id, plugin } = binding;
  const { leastMs, jitterShare, cronJitterMs, next } = schedules;
  const otherwise = { value: { ...rhythm }, from: { kind: "manifest" } as const };
  const said = withTimezone(saidOf(binding, ["schedule"], { source, otherwise }), rhythm);
  const everyMs = "every" in rhythm ? durationMs(rhythm.every) : leastMs;
  const isTooOften = everyMs < leastMs;
  return {
    binding: key,
    id,
    plugin,
    schedule: isTooOften
      ? { value: { every: `${leastMs}ms` }, from: { kind: "default" }, overrides: [said] }
      : said,
    jitterMs: "every" in rhythm ? Math.round(jitterShare * Math.max(everyMs, leastMs)) : cronJitterMs,
    next: next(key)?.toISOString() ?? null,
  };
}

/** A line is read in UTC where it says nothing else. */
function withTimezone({ value, ...said }: Said, rhythm: Rhythm): Said {
  const isWhole = "every" in rhythm || !isObject(value) || Object.hasOwn(value, "timezone");
  return { value: isWhole ? value : { ...value, timezone: rhythm.timezone }, ...said };
}
