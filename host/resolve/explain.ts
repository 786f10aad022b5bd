import type { GatewayConfig, RouteConfig } from "#config/schema.ts";
import { type ConfigSource, interpolatedAt } from "#config/source.ts";
import type { Json } from "#sdk/abi/from-schema.ts";
import type { Manifest } from "#sdk/abi/manifest.ts";
import { type Binding, type Layers, readLayers } from "./binding.ts";
import { type ResponseBodyUse, readsBody, timeOnStream, writesBody } from "./body-use.ts";
import {
  type BindingContext,
  type CallLimits,
  type ExplainedBinding,
  explainBinding,
  manifestOr,
} from "./explain-binding.ts";
import { type ExplainedSchedule, explainSchedule, type ScheduleContext } from "./explain-schedule.ts";
import {
  type BindingPlace,
  bindingPlaceOf,
  type Place,
  placeOf,
  type Said,
  saidOf,
  secret,
  shown,
} from "./explain-value.ts";
import { neverRuns, type Standing } from "./never-runs.ts";
import type { Plan, Resolver } from "./plan.ts";
import { type Batch, isOptional, type Step } from "./step.ts";

/** What `sandgate explain --json` prints. New members may be added; those that are there keep their meaning. */
export type Explanation = {
  readonly version: 1;
  readonly route: Place & { readonly name: string; readonly match: Json };
  readonly service: Place & {
    readonly name: string;
    readonly provider: string;
    readonly targets: readonly { readonly url: string; readonly hasKey: boolean }[];
  };
  readonly consumer: (Place & { readonly name: string; readonly groups: readonly string[] }) | null;
  readonly stages: readonly ExplainedStage[];
  readonly responseBody: ExplainedBody;
  /** In its place where the answer is an event stream. */
  readonly streamBody: ExplainedBody;
  /** Hooks that run from time to time, for no request. */
  readonly schedules: readonly ExplainedSchedule[];
  /** Of the steps, by key, in the order in which they come first; then of the schedules. */
  readonly bindings: readonly ExplainedBinding[];
  /** Ids that `enabled: false` removes here. */
  readonly removed: readonly {
    readonly id: string;
    readonly by: BindingPlace;
    readonly removes: readonly BindingPlace[];
    readonly locked: boolean;
  }[];
  readonly notes: readonly string[];
};

type ExplainedBody = { readonly use: ResponseBodyUse; readonly because: readonly string[] };

export type ExplainedStage = {
  readonly stage: "authenticators" | "pre-request" | "post-request" | "events" | "completion" | "error";
  /** One after another; the steps of one run at the same time. `alone`: why one of several has a single step. */
  readonly batches: readonly { readonly steps: readonly ExplainedStep[]; readonly alone: string | null }[];
};

export type ExplainedStep = {
  /** The key of its binding. */
  readonly binding: string;
  readonly id: string;
  readonly plugin: string;
  readonly hook: string;
  readonly priority: Said;
  readonly mode: Said;
  readonly reads: readonly string[];
  readonly writes: readonly string[];
  /** Whether it is left out when the gateway or the request has no time for it. */
  readonly optional: boolean;
  /** What it means for an answer that is a stream; null where it is nothing special. */
  readonly onStream: string | null;
  /** Why it can never run for these requests; null when it can. */
  readonly neverRuns: string | null;
};

export type ExplainOptions = {
  readonly config: GatewayConfig;
  readonly source: ConfigSource;
  readonly resolver: Resolver;
  readonly manifests: ReadonlyMap<string, Manifest>;
  readonly callLimits: CallLimits;
  readonly schedules: ScheduleContext;
};

/**
 * The plan of a route for a consumer, and where every part of it comes from. Holds no secret: see `shown`.
 * @throws {RangeError} for a route or consumer that the config does not have.
 */
export function explain(
  options: ExplainOptions,
  { route, consumer }: { readonly route: string; readonly consumer: string | null },
): Explanation {
  const { config, source, resolver, manifests } = options;
  const plan = resolver.plan(route, consumer);
  const { match, service = "" } = config.routes[route] ?? { match: { paths: [] } };
  const stages = batchesOf(plan);
  const steps = stages.flatMap(({ batches }) => batches.flat());
  const standing = { plan, match, steps };
  const candidates = candidatesOf(readLayers(config), plan);
  const scheduled = resolver.scheduledFor(route, consumer);
  const bindings = [...new Set([...steps, ...scheduled].map(({ binding }) => binding))];
  return {
    version: 1,
    route: {
      name: route,
      ...placeOf(source, ["routes", route]),
      match: shownMatch(match, { source, route }),
    },
    service: { name: service, ...placeOf(source, ["services", service]), ...serviceOf(options, service) },
    consumer:
      consumer === null
        ? null
        : { name: consumer, ...placeOf(source, ["consumers", consumer]), groups: plan.groups },
    stages: stages.map(({ stage, batches }) => ({
      stage,
      batches: batches.map((batch) => ({
        steps: batch.map((step) => explainStep(step, source, standing)),
        alone: inSequence.has(stage) || batches.length === 1 ? null : whyAlone(batch),
      })),
    })),
    responseBody: { use: plan.responseBody, because: bodyUsers(plan) },
    streamBody: { use: plan.stream.body, because: streamUsers(plan) },
    schedules: scheduled.map((step) => explainSchedule(step, options)),
    bindings: bindings.flatMap((binding) => {
      const manifest = manifests.get(binding.plugin);
      const ofId = candidates.get(binding.id) ?? [];
      const context = (of: Manifest): BindingContext => ({ ...options, manifest: of, candidates: ofId });
      return manifest === undefined ? [] : [explainBinding(binding, context(manifest))];
    }),
    removed: [...candidates.values()].flatMap((ofId) => removedOf(ofId, source)),
    notes: notesOf(plan, standing),
  };
}

function shownMatch(
  match: RouteConfig["match"],
  { source, route }: { source: ConfigSource; route: string },
): Json {
  return shown(match as Json, { source, path: ["routes", route, "match"], isSecret: () => false });
}

/** Stages in which steps are alone whatever they say. */
const inSequence: ReadonlySet<ExplainedStage["stage"]> = new Set(["authenticators", "events"]);

type PlannedStage = { readonly stage: ExplainedStage["stage"]; readonly batches: readonly Batch[] };

function batchesOf(plan: Plan): PlannedStage[] {
  const { authenticators, preRequest, postRequest, events, completion, error } = plan;
  return [
    { stage: "authenticators", batches: authenticators.map((step) => [step]) },
    { stage: "pre-request", batches: preRequest },
    { stage: "post-request", batches: postRequest },
    { stage: "events", batches: events.map((step) => [step]) },
    { stage: "completion", batches: completion },
    { stage: "error", batches: error },
  ];
}

/** By id, every binding that the plan could have, the most general first: of several groups the first listed last. */
function candidatesOf(
  layers: Layers,
  { route, service, consumer, groups }: Plan,
): ReadonlyMap<string, Binding[]> {
  const ofPlan = [
    layers.gateway,
    layers.services.get(service ?? ""),
    layers.routes.get(route ?? ""),
    ...[...new Set(groups)].reverse().map((group) => layers.consumerGroups.get(group)),
    layers.consumers.get(consumer ?? ""),
  ];
  return Map.groupBy(
    ofPlan.flatMap((layer) => [...(layer?.values() ?? [])]),
    ({ id }) => id,
  );
}

function removedOf(ofId: readonly Binding[], source: ConfigSource): Explanation["removed"] {
  const by = ofId.at(-1);
  if (by === undefined || by.enabled) return [];
  const removes = ofId.slice(0, -1).map((one) => bindingPlaceOf(source, one));
  return [{ id: by.id, by: bindingPlaceOf(source, by), removes, locked: by.declared.lock ?? false }];
}

function serviceOf(
  { config, source }: ExplainOptions,
  name: string,
): Pick<Explanation["service"], "provider" | "targets"> {
  const service = config.services[name];
  if (service === undefined || service.provider === "mock") return { provider: "mock", targets: [] };
  const targets = service.targets.map(({ url, key = "" }, index) => {
    const { protocol, host, pathname } = new URL(url);
    const isSecret = interpolatedAt(source, ["services", name, "targets", index, "url"]) !== undefined;
    return { url: isSecret ? secret : `${protocol}//${host}${pathname}`, hasKey: key !== "" };
  });
  return { provider: service.provider, targets };
}

function explainStep(step: Step, source: ConfigSource, standing: Standing): ExplainedStep {
  const { binding, manifest, hook, reads, writes } = step;
  const declared = manifest.hooks[hook];
  const said = (member: "priority" | "mode", otherwise: ReturnType<typeof manifestOr>) =>
    saidOf(binding, [member], { source, otherwise });
  const mode = said("mode", manifestOr(declared?.mode, "sequential"));
  return {
    binding: step.key,
    id: binding.id,
    plugin: binding.plugin,
    hook,
    priority: said("priority", manifestOr(declared?.priority, 2)),
    mode:
      mode.value === step.mode ? mode : { value: step.mode, from: { kind: "default" }, overrides: [mode] },
    reads,
    writes: [...writes],
    optional: isOptional(step),
    onStream: onStream(step),
    neverRuns: neverRuns(step, standing),
  };
}

function onStream(step: Step): string | null {
  if (step.hook !== "post_request" || step.manifest.hooks.post_request?.at === "completion") return null;
  const time = timeOnStream(step);
  if (time === "headers") return null;
  if (time === "never") return "does not run: its post_request_event does";
  return time === "buffer"
    ? "the host holds the whole stream back until it has run"
    : "runs after the stream has ended, on the assembled message";
}

function whyAlone([first, second]: Batch): string | null {
  if (first === undefined || second !== undefined) return null;
  return first.mode === "sequential"
    ? "sequential: waits for all before it, and all after it wait"
    : "parallel, but no neighbour of its priority is";
}

function bodyUsers({ postRequest, completion, responseBody }: Plan): string[] {
  if (responseBody === "copy") {
    return completion
      .flat()
      .filter(readsBody)
      .map(({ key }) => `${key} reads it when the answer has ended`);
  }
  return postRequest.flat().flatMap((step) => {
    if (writesBody(step)) return [`${step.key} writes it`];
    return readsBody(step) ? [`${step.key} reads it`] : [];
  });
}

function streamUsers({ postRequest, events, completion, stream }: Plan): string[] {
  const deciding = events.map(({ key }) => `${key} decides about its events`);
  const users = postRequest.flat().flatMap((step) => {
    const time = timeOnStream(step);
    if (time === "buffer") return [`${step.key} ${writesBody(step) ? "writes" : "reads"} it`];
    return time === "completion" && stream.body === "copy" ? [`${step.key} reads it when it has ended`] : [];
  });
  if (stream.body !== "copy") return [...deciding, ...users];
  const late = completion.flat().filter(readsBody);
  return [...deciding, ...users, ...late.map(({ key }) => `${key} reads it when it has ended`)];
}

function notesOf({ authenticators, consumer, preRequest, postRequest }: Plan, { steps }: Standing): string[] {
  const notes: string[] = [];
  if (authenticators.length === 0 && consumer === null)
    notes.push("no authenticator: everybody may use this route");
  if (authenticators.length === 0 && consumer !== null) {
    notes.push("no authenticator: nobody is ever identified on this route, so this plan is never used");
  }
  if (authenticators.length > 0 && consumer === null && preRequest.length + postRequest.length > 0) {
    notes.push(
      "nobody is identified: who is not is refused after the authenticators, so of this plan only they and the error stage run",
    );
  }
  if (steps.some(({ effect }) => effect === "observe")) {
    notes.push("what steps with the effect observe ask for is recorded and not done");
  }
  return notes;
}
