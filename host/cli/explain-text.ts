import type { ExplainedStep, Explanation } from "#host/resolve/explain.ts";
import type { ExplainedBinding } from "#host/resolve/explain-binding.ts";
import type { ExplainedSchedule } from "#host/resolve/explain-schedule.ts";
import type { BindingPlace, From, Place, Said } from "#host/resolve/explain-value.ts";
import { escapeControls } from "#host/sandbox/log-lines.ts";
import { paint } from "./dev/report.ts";

const bodyUses = {
  stream: "passes as it comes",
  copy: "is copied while it passes",
  buffer: "is held back until it is complete",
} as const;

/** An explanation for reading, in the order of a request; the values of each binding at the end. */
export function explanationText(explanation: Explanation): string {
  const { route, service, consumer, stages, schedules, responseBody, streamBody } = explanation;
  const { bindings, removed, notes } = explanation;
  const bodyText = ({ use, because }: typeof responseBody) =>
    [`the body ${bodyUses[use]}`, ...because].join("; ");
  const targets = service.targets.map(({ url, hasKey }) => `${url}${hasKey ? "" : " (no key)"}`);
  const lines = [
    ...rows([
      ["route", route.name, placeText(route)],
      ["service", `${service.name}, ${service.provider}`, placeText(service)],
      ...targets.map((target): Row => ["", target, ""]),
      consumer === null
        ? ["consumer", "nobody is identified", ""]
        : ["consumer", [consumer.name, ...consumer.groups].join(", "), placeText(consumer)],
      ["answer", bodyText(responseBody), ""],
      ["answer as a stream", bodyText(streamBody), ""],
    ]),
    ...notes.map((note) => `note: ${note}`),
    ...stages.flatMap(({ stage, batches }) => [
      "",
      heading(stage, batches.length === 0 ? "nothing" : undefined),
      ...batches.flatMap(({ steps, alone }, index) =>
        steps.flatMap((step) => stepLines(step, { number: index + 1, alone, isBatch: steps.length > 1 })),
      ),
    ]),
    ...(schedules.length === 0 ? [] : ["", heading("from time to time")]),
    ...schedules.flatMap(scheduleLines),
    ...bindings.flatMap((binding) => ["", ...bindingLines(binding)]),
    ...(removed.length === 0 ? [] : ["", heading("removed")]),
    ...rows(
      removed.flatMap(({ id, by, removes, locked }) => [
        [`  ${id}`, `by ${ownerText(by)}${locked ? ", locked" : ""}`, placeText(by)] as const,
        ...removes.map((one) => ["", `was ${ownerText(one)}`, placeText(one)] as const),
      ]),
    ),
  ];
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}

function scheduleLines({ id, plugin, schedule, jitterMs }: ExplainedSchedule): string[] {
  return [
    `      ${named(id, plugin)}  schedule`,
    ...rows([
      ...saidRow("      schedule", schedule, scheduleText),
      ["      late by", `at most ${jitterMs}ms`, ""],
    ]),
  ];
}

function scheduleText(value: unknown): string {
  const { every, cron, timezone } = value as { every?: string; cron?: string; timezone?: string };
  if (every !== undefined) return `every ${every}`;
  return timezone === undefined ? `cron ${cron}` : `cron ${cron}, ${timezone}`;
}

type Standing = { readonly number: number; readonly alone: string | null; readonly isBatch: boolean };

function stepLines(step: ExplainedStep, { number, alone, isBatch }: Standing): string[] {
  const { id, plugin, hook, priority, mode, optional, onStream, neverRuns } = step;
  const remarks = [
    isBatch ? "at the same time as the others of this number" : alone,
    optional ? "optional: left out when the gateway or the request has no time for it" : null,
    onStream === null ? null : `of a stream: ${onStream}`,
    neverRuns === null ? null : `can never run: ${neverRuns}`,
  ];
  return [
    `  ${String(number).padStart(2)}  ${named(id, plugin)}  ${hook}`,
    ...rows([saidRow("      priority", priority), saidRow("      mode", mode)].flat()),
    ...remarks.filter((remark) => remark !== null).map((remark) => `      ${escapeControls(remark)}`),
  ];
}

function named(id: string, plugin: string): string {
  return bold(plugin === id ? id : `${id} (${plugin})`);
}

function bindingLines(binding: ExplainedBinding): string[] {
  const { id, plugin, version, tenant, written, replaces, lockedAt, when, limits, grants, config } = binding;
  const places: Row[] = [
    ...written.map((place, index): Row => {
      const isLast = index === written.length - 1;
      return [`  ${isLast ? "written" : "merged in"}`, ownerText(place), placeText(place)];
    }),
    ...replaces.map((place): Row => ["  replaces", ownerText(place), placeText(place)]),
    ...(lockedAt === null ? [] : [["  locked", ownerText(lockedAt), placeText(lockedAt)] as const]),
    ...(tenant === null ? [] : [["  tenant", tenant, ""] as const]),
  ];
  const said: Row[] = [
    saidRow("  order", binding.order),
    saidRow("  onFailure", binding.onFailure),
    saidRow("  effect", binding.effect),
    saidRow("  state", binding.state),
    when === null ? [] : saidRow("  when", when),
    ...Object.entries(limits).map(([name, limit]) => saidRow(`  limits.${name}`, limit)),
    ...Object.entries(grants).map(([name, grant]) => saidRow(`  grants.${name}`, grant)),
    ...config.map(({ member, ...one }) => saidRow(`  config.${member.join(".")}`, one)),
  ].flat();
  return [heading(id, `${plugin} ${version}`), ...rows([...places, ...said])];
}

function heading(title: string, more?: string): string {
  return more === undefined ? bold(title) : `${bold(title)}  ${escapeControls(more)}`;
}

type Row = readonly [name: string, value: string, from: string];

function saidRow(name: string, { value, from, overrides }: Said, print = valueText): Row[] {
  const over = overrides.map((one): Row => ["", `over ${print(one.value)}`, fromText(one.from)]);
  return [[name, print(value), fromText(from)], ...over];
}

function valueText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function fromText(from: From): string {
  switch (from.kind) {
    case "binding":
      return `${placeText(from)}  ${ownerText(from)}`;
    case "manifest":
      return "the plugin's manifest";
    case "schema":
      return "the plugin's schema";
    case "operator":
      return placeText(from);
    case "default":
      return "default";
    default:
      return from satisfies never;
  }
}

function placeText({ file, line, column }: Place): string {
  return `${file}:${line}:${column}`;
}

function ownerText({ level, owner }: BindingPlace): string {
  return owner === null ? level : `${level} ${owner}`;
}

/** For a terminal of 100 columns. */
const nameColumns = 26;
const valueColumns = 30;

/** Three aligned columns. What is too long for its column has the next one below. */
function rows(all: readonly Row[]): string[] {
  return all.flatMap((row) => {
    const [name, value, from] = row.map(escapeControls) as [string, string, string];
    const isLong = name.length >= nameColumns;
    const start = isLong ? " ".repeat(nameColumns) : name.padEnd(nameColumns);
    const fits = value.length < valueColumns || from === "";
    const first = start + (fits ? value.padEnd(valueColumns) + paint("dim", from) : value);
    const below = fits ? [] : [" ".repeat(nameColumns + valueColumns) + paint("dim", from)];
    return [...(isLong ? [name] : []), first, ...below];
  });
}

function bold(text: string): string {
  return paint("bold", escapeControls(text));
}
