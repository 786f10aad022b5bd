import { configLimits } from "#config/limits.ts";
import type { ConfigProblem, GatewayConfig } from "#config/schema.ts";
import type { Manifest } from "#sdk/abi/manifest.ts";
import { type Binding, everyBinding, readLayers } from "./binding.ts";
import { type ResponseBodyUse, responseBodyUse, type StreamPlan, streamPlan } from "./body-use.ts";
import { createChain } from "./chain.ts";
import { findConflicts } from "./conflict.ts";
import { bindingsInUse, findEndings } from "./endings.ts";
import { findLateAuthenticators, findObservingAuthenticators } from "./identify.ts";
import { enabledOf } from "./inherit.ts";
import { findLockProblems } from "./lock.ts";
import { createMatcher, type Match, type MatchRequest } from "./match.ts";
import { findMergeProblems } from "./merge-problems.ts";
import { findPluginProblems } from "./plugin-problems.ts";
import { rememberRecent } from "./recent.ts";
import { findScheduleProblems, type ScheduledStep, scheduledStepOf } from "./scheduled.ts";
import { type Batch, inOrder, partOf, type Step, stepsOf, toBatches } from "./step.ts";
import { findUnmatchable } from "./unmatchable.ts";
import { findImpossibleConditions } from "./when-problems.ts";

export type { Binding, Level } from "./binding.ts";
export type { Match, MatchRequest } from "./match.ts";
export type { Batch, Step } from "./step.ts";

/** The ordered steps of all stages for one route and consumer. Frozen; a request only walks it. */
export type Plan = {
  readonly route: string | null;
  readonly service: string | null;
  readonly consumer: string | null;
  /** Of the consumer, in the order it lists them. */
  readonly groups: readonly string[];
  /** Run first, one after another, until one identifies the consumer. Empty: the route is open. */
  readonly authenticators: readonly Step[];
  readonly preRequest: readonly Batch[];
  readonly postRequest: readonly Batch[];
  /** Run for every event of a stream, one after another. */
  readonly events: readonly Step[];
  /** Run after the answer ended, also after a failure. */
  readonly completion: readonly Batch[];
  readonly error: readonly Batch[];
  /** What the steps make the host do with the body of an answer. */
  readonly responseBody: ResponseBodyUse;
  /** In place of `postRequest`, `completion` and `responseBody` where the answer is an event stream. */
  readonly stream: StreamPlan;
};

export type Resolver = {
  readonly match: (request: MatchRequest) => Match;
  /**
   * The plan of a route for a consumer; no consumer: nobody is identified (yet); neither: no route matched, so
   * only the gateway level applies. Compiled when first asked for, then remembered.
   * @throws {RangeError} for a route or consumer that the config does not have, and a consumer without a route.
   */
  readonly plan: (route: string | null, consumer: string | null) => Plan;
  /** Every enabled binding that a plan can have steps of: what pools are needed for. */
  readonly bindings: readonly Binding[];
  /** Of these, the hooks that run from time to time. */
  readonly scheduled: readonly ScheduledStep[];
  /** Of those, the ones whose bindings are in force for this route and consumer. Throws as `plan` does. */
  readonly scheduledFor: (route: string, consumer: string | null) => readonly ScheduledStep[];
};

/**
 * Compiles routes and bindings of a config that its schema and reference checks have accepted.
 * @param manifests of the loaded plugins, by name.
 * @returns all problems at once, at most `configLimits.problems`, instead of a resolver.
 */
export function createResolver(
  config: GatewayConfig,
  manifests: ReadonlyMap<string, Manifest>,
): { readonly resolver: Resolver } | { readonly problems: readonly ConfigProblem[] } {
  const layers = readLayers(config);
  const chain = createChain(config, layers);
  const endings = findEndings(config, chain);
  const mergeProblems = findMergeProblems(config, { layers, chain, endings });
  const stepsOfBinding = rememberSteps(manifests);
  const isCalled = (binding: Binding) =>
    stepsOfBinding(binding).length > 0 || manifests.get(binding.plugin)?.hooks.schedule !== undefined;
  // More merged bindings than the limit are not made.
  const bindings =
    mergeProblems.length > 0 ? [] : bindingsInUse(config, { chain, endings }, (binding) => isCalled(binding));

  const problems = [
    ...findUnmatchable(config.routes),
    ...findPluginProblems(everyBinding(layers), manifests),
    ...findLateAuthenticators(layers, manifests),
    ...findObservingAuthenticators(config, { layers, chain }, manifests),
    ...findImpossibleConditions(layers, manifests),
    ...findLockProblems(config, layers),
    ...mergeProblems,
    ...findScheduleProblems(bindings, manifests),
    ...findConflicts(config, chain, { bindings, endings, stepsOf: stepsOfBinding }),
  ];
  if (problems.length > 0) return { problems: problems.slice(0, configLimits.problems) };

  const remember = rememberRecent<Plan>(configLimits.plansInMemory);
  const scheduled = new Map(scheduledOf(bindings, manifests).map((step) => [step.key, step]));
  const resolver: Resolver = {
    match: createMatcher(config.routes),
    plan: (route, consumer) => {
      assertKnown(config, route, consumer);
      // A known name is not empty and holds no space, so no two plans have one key.
      return remember(`${route ?? ""} ${consumer ?? ""}`, () => {
        const steps = enabledOf(chain.inForce(route, consumer)).flatMap(stepsOfBinding);
        return compilePlan(config, { route, consumer, steps });
      });
    },
    bindings,
    scheduled: Object.freeze([...scheduled.values()]),
    scheduledFor: (route, consumer) => {
      assertKnown(config, route, consumer);
      return enabledOf(chain.inForce(route, consumer)).flatMap(({ key }) => scheduled.get(key) ?? []);
    },
  };
  return { resolver: Object.freeze(resolver) };
}

/** The steps of a binding, made once, so that a step is the same object in every plan. None of a plugin that is not loaded. */
function rememberSteps(manifests: ReadonlyMap<string, Manifest>): (binding: Binding) => readonly Step[] {
  const known = new Map<Binding, readonly Step[]>();
  return (binding) => {
    const manifest = manifests.get(binding.plugin);
    const steps = known.get(binding) ?? (manifest === undefined ? [] : stepsOf(binding, manifest));
    known.set(binding, steps);
    return steps;
  };
}

function scheduledOf(
  bindings: readonly Binding[],
  manifests: ReadonlyMap<string, Manifest>,
): readonly ScheduledStep[] {
  return bindings.flatMap((binding) => {
    const manifest = manifests.get(binding.plugin);
    const step = manifest === undefined ? null : scheduledStepOf(binding, manifest);
    return step === null ? [] : [step];
  });
}

function assertKnown(config: GatewayConfig, route: string | null, consumer: string | null): void {
  if (route !== null && !Object.hasOwn(config.routes, route)) throw new RangeError(`no route "${route}"`);
  if (consumer === null) return;
  if (route === null) throw new RangeError("without a route nobody is asked who they are");
  if (!Object.hasOwn(config.consumers, consumer)) throw new RangeError(`no consumer "${consumer}"`);
}

function compilePlan(
  config: GatewayConfig,
  { route, consumer, steps }: { route: string | null; consumer: string | null; steps: readonly Step[] },
): Plan {
  const parts = Object.groupBy(steps, partOf);
  const batches = (part: readonly Step[] = []) => toBatches(inOrder(part));
  return Object.freeze({
    route,
    service: route === null ? null : (config.routes[route]?.service ?? null),
    consumer,
    groups: Object.freeze([...(consumer === null ? [] : (config.consumers[consumer]?.groups ?? []))]),
    authenticators: Object.freeze(inOrder(parts.authenticators ?? [])),
    preRequest: batches(parts.preRequest),
    postRequest: batches(parts.postRequest),
    events: Object.freeze(inOrder(parts.events ?? [])),
    completion: batches(parts.completion),
    error: batches(parts.error),
    responseBody: responseBodyUse(parts.postRequest, parts.completion),
    stream: Object.freeze(streamPlan(parts.postRequest, parts.completion)),
  });
}
