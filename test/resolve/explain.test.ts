import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { z } from "zod";
import { loadConfig } from "#config/load.ts";
import { printProblem } from "#config/problem.ts";
import { type ExplainedStep, type Explanation, explain } from "#host/resolve/explain.ts";
import type { ExplainedBinding } from "#host/resolve/explain-binding.ts";
import type { From, Said } from "#host/resolve/explain-value.ts";
import { createResolver } from "#host/resolve/plan.ts";
import { manifestsOf } from "./case-file.ts";

const lines = z.array(z.string());
const fileSchema = z.strictObject({
  about: z.string(),
  plugins: z.record(z.string(), z.looseObject({ hooks: z.record(z.string(), z.json()) })),
  cases: z.array(
    z.strictObject({
      name: z.string(),
      /** The text of the config; the lines of what is expected are its. Without routes it gets one, `r`. */
      gateway: z.string(),
      env: z.record(z.string(), z.string()).default({}),
      consumer: z.string().nullable().default(null),
      steps: lines.exactOptional(),
      /** By key; what is not the gateway's own default. */
      bindings: z.record(z.string(), lines).default({}),
      targets: lines.exactOptional(),
      removed: lines.default([]),
      responseBody: lines.exactOptional(),
      streamBody: lines.exactOptional(),
      notes: lines.exactOptional(),
      schedules: lines.default([]),
    }),
  ),
});

type Case = z.infer<typeof fileSchema>["cases"][number];

const folder = new URL("./explanations/", import.meta.url);
for (const file of (await readdir(folder)).sort()) {
  const { plugins, cases } = fileSchema.parse(parse(await readFile(new URL(file, folder), "utf8")));
  for (const each of cases) {
    test(`${file.replace(".yaml", "")}: ${each.name}`, async () =>
      check(each, await explained(each, plugins)));
  }
}

async function explained(
  { gateway, env, consumer }: Case,
  plugins: z.infer<typeof fileSchema>["plugins"],
): Promise<Explanation> {
  const service = /^services:/m.test(gateway) ? "" : "services: { demo: { provider: mock } }\n";
  const route = /^routes:/m.test(gateway) ? "" : "routes: { r: { match: { paths: [/r] }, service: demo } }\n";
  const temporary = await mkdtemp(join(tmpdir(), "sandgate-explain-"));
  const file = join(temporary, "gateway.yaml");
  await writeFile(file, `${gateway}${service}${route}`);
  const loaded = await loadConfig(file, { env });
  await rm(temporary, { recursive: true });
  assert.ok(loaded.ok, loaded.ok ? "" : loaded.problems.map(printProblem).join("\n"));
  const { config, source } = loaded;
  const manifests = manifestsOf(plugins as Parameters<typeof manifestsOf>[0]);
  const resolved = createResolver(config, manifests);
  assert.ok("resolver" in resolved, JSON.stringify(resolved));
  const callLimits = { fuel: 1, memoryMb: 1, deadlineMs: 1 };
  const schedules = { leastMs: 100, jitterShare: 0.1, cronJitterMs: 500, next: () => null };
  const explanation = explain(
    { config, source, manifests, resolver: resolved.resolver, callLimits, schedules },
    { route: "r", consumer },
  );
  for (const value of Object.values(env)) assert.ok(!JSON.stringify(explanation).includes(value));
  return explanation;
}

function check(
  expected: Case,
  { stages, schedules, bindings, service, removed, responseBody, streamBody, notes }: Explanation,
): void {
  const byKey = new Map(bindings.map((binding) => [binding.key, binding]));
  for (const [key, said] of Object.entries(expected.bindings)) {
    const binding = byKey.get(key);
    assert.ok(binding, `no binding ${key} in ${[...byKey.keys()]}`);
    assert.deepEqual(bindingLines(binding), said);
  }
  assert.deepEqual(
    removed.map(({ id, by, removes, locked }) =>
      [
        `${id} by ${placeText(by)}`,
        removes.length > 0 ? ` was ${removes.map(placeText).join(", ")}` : "",
        locked ? ", locked" : "",
      ].join(""),
    ),
    expected.removed,
  );
  const steps = stages.flatMap(({ stage, batches }) =>
    batches.flatMap((batch, index) =>
      batch.steps.map((step) => `${stage} ${index + 1}: ${stepText(step, batch.alone)}`),
    ),
  );
  assert.deepEqual(
    schedules.map(({ id, schedule, jitterMs }) =>
      [id, ...saidTexts({ schedule }), `${jitterMs}ms`].join(", "),
    ),
    expected.schedules,
  );
  if (expected.steps) assert.deepEqual(steps, expected.steps);
  if (expected.notes) assert.deepEqual(notes, expected.notes);
  if (expected.responseBody) {
    assert.deepEqual([responseBody.use, ...responseBody.because], expected.responseBody);
  }
  if (expected.streamBody) assert.deepEqual([streamBody.use, ...streamBody.because], expected.streamBody);
  if (expected.targets) {
    const targets = service.targets.map(({ url, hasKey }) => (hasKey ? `${url} with key` : url));
    assert.deepEqual(targets, expected.targets);
  }
}

function stepText(
  { id, plugin, hook, priority, mode, optional, onStream, neverRuns }: ExplainedStep,
  alone: string | null,
) {
  return [
    `${id === plugin ? id : `${id} (${plugin})`} ${hook}`,
    ...saidTexts({ priority, mode }).map((said) => said.replace(" = ", " ")),
    ...(alone === null ? [] : [`alone (${alone})`]),
    ...(optional ? ["optional"] : []),
    ...(onStream === null ? [] : [`stream (${onStream})`]),
    ...(neverRuns === null ? [] : [`never (${neverRuns})`]),
  ].join(", ");
}

function bindingLines(binding: ExplainedBinding): string[] {
  const { written, replaces, lockedAt, order, onFailure, effect, state, when, limits, grants, config } =
    binding;
  const named = (prefix: string, said: Readonly<Record<string, Said>>) =>
    Object.fromEntries(Object.entries(said).map(([name, one]) => [`${prefix}.${name}`, one]));
  return [
    ...written.map((place) => `written ${placeText(place)}`),
    ...replaces.map((place) => `replaces ${placeText(place)}`),
    ...(lockedAt === null ? [] : [`locked ${placeText(lockedAt)}`]),
    ...saidTexts({
      ...{ order, onFailure, effect, state, ...(when === null ? {} : { when }) },
      ...named("limits", limits),
      ...named("grants", grants),
      ...Object.fromEntries(config.map(({ member, ...said }) => [`config.${member.join(".")}`, said])),
    }),
  ];
}

function saidTexts(all: Readonly<Record<string, Said>>): string[] {
  const print = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
  return Object.entries(all)
    .filter(([, { from, overrides }]) => from.kind !== "default" || overrides.length > 0)
    .map(([name, { value, from, overrides }]) => {
      const over = overrides.map((one) => ` over ${print(one.value)}${fromText(one.from)}`);
      return `${name} = ${print(value)}${fromText(from)}${over.join("")}`;
    });
}

function fromText(from: From): string {
  if (from.kind === "binding") return ` (${placeText(from)})`;
  if (from.kind === "operator") return ` (operator :${from.line})`;
  return from.kind === "default" ? "" : ` (${from.kind})`;
}

function placeText({ level, owner, line }: { level: string; owner: string | null; line: number }): string {
  return `${level}${owner === null ? "" : ` ${owner}`} :${line}`;
}
