import { readdirSync, readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "yaml";
import { z } from "zod";
import { printPath } from "#config/problem.ts";
import { findReferenceProblems } from "#config/references.ts";
import { type ConfigProblem, configSchema } from "#config/schema.ts";
import { type Batch, createResolver, type Match, type Plan, type Step } from "#host/resolve/plan.ts";
import { type Manifest, manifestSchema } from "#sdk/abi/manifest.ts";

/** A step as cases write it, `id@level`; parallel steps of one batch stand in a list. */
const batches = z.array(z.union([z.string(), z.array(z.string()).min(2)]));

/** Of a manifest, what resolving looks at; the ABI's own schema checks it. */
const manifest = z.strictObject({
  failure: z.string().exactOptional(),
  hooks: z.record(z.string(), z.json()),
});

/** What a case can say of a step: members of the step and of its binding. */
const factNames = [
  ...["priority", "mode", "onFailure", "effect", "stage", "hook", "key"],
  ...["order", "state", "config", "limits", "grants", "tenant"],
] as const;

/** A request, and the steps of the plan whose conditions it meets. */
const meeting = z.strictObject({
  requestId: z.string().default("1"),
  method: z.string().default("POST"),
  path: z.string().default("/r"),
  headers: z.record(z.string(), z.string()).default({}),
  model: z.string().exactOptional(),
  consumer: z.string().nullable().default(null),
  groups: z.array(z.string()).default([]),
  tags: z.record(z.string(), z.string()).default({}),
  runs: z.array(z.string()),
});

const expectedPlan = z.strictObject({
  route: z.string().nullable(),
  consumer: z.string().nullable().default(null),
  service: z.string().nullable().exactOptional(),
  groups: z.array(z.string()).exactOptional(),
  /** Lists that a case leaves out are empty. */
  authenticators: batches.default([]),
  preRequest: batches.default([]),
  postRequest: batches.default([]),
  events: batches.default([]),
  completion: batches.default([]),
  error: batches.default([]),
  responseBody: z.enum(["stream", "copy", "buffer"]).exactOptional(),
  /** What the steps make the host do with the body of a stream. */
  streamBody: z.enum(["stream", "copy", "buffer"]).exactOptional(),
  meets: z.array(meeting).default([]),
  /** The steps without any condition. */
  unconditional: z.array(z.string()).exactOptional(),
  steps: z.record(z.string(), z.partialRecord(z.enum(factNames), z.json())).default({}),
});

const expectedMatch = z.strictObject({
  method: z.string().default("POST"),
  path: z.string(),
  host: z.string().default("localhost:8080"),
  headers: z.record(z.string(), z.string()).default({}),
  model: z.string().exactOptional(),
  finds: z.string().exactOptional(),
  loses: z.string().default(""),
  allows: z.array(z.string()).exactOptional(),
});

const caseSchema = z.strictObject({
  name: z.string(),
  plugins: z.record(z.string(), manifest).default({}),
  config: z.record(z.string(), z.json()),
  requests: z.array(expectedMatch).default([]),
  plans: z.array(expectedPlan).default([]),
  bindings: z.array(z.string()).exactOptional(),
  problems: z.array(z.string()).default([]),
});

const fileSchema = z.strictObject({
  about: z.string(),
  /** Plugins and parts of the config that every case of the file has. */
  plugins: caseSchema.shape.plugins,
  config: caseSchema.shape.config.default({}),
  cases: z.array(caseSchema).min(1),
});

export type ResolveCase = z.infer<typeof caseSchema>;

/** The cases of `cases/*.yaml`, each with what its file says for all. A key that is not known is an error. */
export function readCases(folder: URL): { file: string; cases: ResolveCase[] }[] {
  const files = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
  return files.sort().map((file) => {
    const { plugins, config, cases } = fileSchema.parse(parse(readFileSync(new URL(file, folder), "utf8")));
    const complete = cases.map((each) => ({
      ...each,
      plugins: { ...plugins, ...each.plugins },
      config: { ...config, ...each.config },
    }));
    return { file: file.replace(".yaml", ""), cases: complete };
  });
}

/** What the file of a gateway goes through: schema, references, resolver. The service `demo` is always there. */
export function resolve({
  config,
  plugins,
}: Pick<ResolveCase, "config" | "plugins">): ReturnType<typeof createResolver> {
  const parsed = configSchema.parse({ services: { demo: { provider: "mock" } }, ...config });
  const problems = findReferenceProblems(parsed);
  return problems.length > 0 ? { problems } : createResolver(parsed, manifestsOf(plugins));
}

const isManifest = new Ajv2020().compile<Manifest>(manifestSchema);

export function manifestsOf(plugins: ResolveCase["plugins"]): ReadonlyMap<string, Manifest> {
  return new Map(
    Object.entries(plugins).map(([name, plugin]) => {
      const manifest: unknown = { name: name.toLowerCase(), version: "1.0.0", abi: 1, ...plugin };
      if (!isManifest(manifest)) throw new Error(`${name}: ${JSON.stringify(isManifest.errors)}`);
      return [name, manifest];
    }),
  );
}

export function printed({ path, message, hint }: ConfigProblem): string {
  return `${printPath(path)}: ${message}${hint === undefined ? "" : `, did you mean "${hint}"?`}`;
}

/** A step as cases describe it. */
export function factsOf({ binding, manifest, ...step }: Step): Readonly<Record<string, unknown>> {
  const { order, config, limits, grants, tenant, declared } = binding;
  return {
    ...step,
    order,
    config,
    limits,
    grants,
    tenant,
    state: declared.state ?? manifest.state ?? "request",
  };
}

export function printStep({ binding }: Step): string {
  return `${binding.id}@${binding.level}`;
}

/** The lists of a plan as cases write them. */
export function printPlan(plan: Plan): Record<string, (string | string[])[]> {
  const print = (list: readonly Batch[]) =>
    list.map((batch) => (batch.length === 1 ? batch.map(printStep).join() : batch.map(printStep)));
  return {
    authenticators: plan.authenticators.map(printStep),
    preRequest: print(plan.preRequest),
    postRequest: print(plan.postRequest),
    events: plan.events.map(printStep),
    completion: print(plan.completion),
    error: print(plan.error),
  };
}

export function everyStep(plan: Plan): Step[] {
  const { authenticators, preRequest, postRequest, events, completion, error } = plan;
  return [authenticators, ...preRequest, ...postRequest, events, ...completion, ...error].flat();
}

export function expectedOf({ finds, loses, allows }: z.infer<typeof expectedMatch>): Match {
  if (finds !== undefined) return { kind: "route", route: finds, prefix: loses };
  return allows === undefined ? { kind: "none" } : { kind: "method", allow: allows };
}
