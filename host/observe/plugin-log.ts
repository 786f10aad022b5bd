import { z } from "zod";
import { escapeControls, type LogLevel, type LogSink } from "../sandbox/log-lines.ts";
import type { Log } from "./log.ts";

type Json = z.infer<ReturnType<typeof z.json>>;

/** Of a line's data, levels that are kept: the schema and the log go down by recursion. */
const maxLevels = 32;

/** A structured line of a plugin: what the SDK writes for a message with data. */
const structured = z.strictObject({ message: z.string(), data: z.record(z.string(), z.json()) });

/** The gateway's log as one binding sees it. What the plugin says stands in `data`, apart from what the host knows. */
export function pluginLogSink(log: Log, plugin: string, binding: string): LogSink {
  const lines = log.child({ plugin, binding });
  return (level: LogLevel, text: string, requestId: string | null) => {
    if (!lines.isLevelEnabled(level)) return;
    const { message, data } = read(text);
    lines[level]({ requestId: requestId ?? undefined, data }, message);
  };
}

function read(text: string): { message: string; data?: Readonly<Record<string, unknown>> } {
  if (!text.startsWith('{"message":')) return { message: text };
  const parsed = structured.safeParse(visible(jsonOf(text)));
  return parsed.success ? parsed.data : { message: text };
}

/** The text was escaped as a whole, which says nothing of what stands in it as `\\u001b`. */
function visible(value: Json, levels = maxLevels): Json {
  if (typeof value === "string") return escapeControls(value);
  if (typeof value !== "object" || value === null) return value;
  if (levels === 0) return "…";
  if (Array.isArray(value)) return value.map((item) => visible(item, levels - 1));
  const members = Object.entries(value).map(([name, inner]) => [
    escapeControls(name),
    visible(inner, levels - 1),
  ]);
  return Object.fromEntries(members);
}

/** Null, which is no structured line, for what is no JSON. */
function jsonOf(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
