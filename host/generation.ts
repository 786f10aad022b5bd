import type { loadConfig } from "#config/load.ts";
import type { LocatedProblem } from "#config/problem.ts";
import type { GatewayConfig } from "#config/schema.ts";
import { locateProblem } from "#config/source.ts";
import { createResolver, type Resolver } from "#host/resolve/plan.ts";
import type { Manifest } from "#sdk/abi/manifest.ts";
import { type BindOptions, bindPlugins, type Modules } from "./bind-plugins.ts";
import type { BoundPlugin } from "./pipeline/run-stage.ts";
import { createReach, type Reach } from "./reach.ts";
import { createUpstream, type Upstream } from "./upstream/forward.ts";

export type AcceptedConfig = Extract<Awaited<ReturnType<typeof loadConfig>>, { ok: true }>;

/** One accepted pair of config and plugins, with everything compiled from it. Nothing of it changes. */
export type Generation = {
  readonly config: GatewayConfig;
  readonly resolver: Resolver;
  /** By `Step.key`. */
  readonly bindings: ReadonlyMap<string, BoundPlugin>;
  /** By the name of the service. */
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly reach: Reach;
  /** The bindings whose plugins are cut off, and the milliseconds until each is tried again. */
  quarantined(): readonly { readonly binding: string; readonly plugin: string; readonly leftMs: number }[];
  /** A request begins on this generation; call the answer once, when it is over. */
  enter(): () => void;
  /** No request begins any more. Resolves when the running ones have ended and all is closed. */
  retire(): Promise<void>;
};

/**
 * Compiles and starts everything; answers with all problems when it cannot.
 * @param options.backing outlives the generation
 */
export async function createGeneration(
  { config, source }: AcceptedConfig,
  modules: Modules,
  { log, backing }: Pick<BindOptions, "log" | "backing">,
): Promise<{ readonly generation: Generation } | { readonly problems: readonly LocatedProblem[] }> {
  const resolved = createResolver(config, manifestsOf(modules));
  if ("problems" in resolved) return { problems: resolved.problems.map((one) => locateProblem(source, one)) };
  const { resolver } = resolved;
  const bound = await bindPlugins(resolver, { config, source, modules, log, backing });
  if ("problems" in bound) return { problems: bound.problems.map((one) => locateProblem(source, one)) };
  const services = Object.entries(config.services);
  const upstreams = new Map(services.map(([name, service]) => [name, createUpstream(name, service)]));
  const { bindings } = bound;
  const quarantined = () => quarantinedOf(bindings);
  return {
    generation: {
      config,
      resolver,
      bindings,
      upstreams,
      reach: createReach(config, (service) => upstreams.get(service)?.targets() ?? []),
      quarantined,
      ...lifeOf(bindings, upstreams),
    },
  };
}

export function manifestsOf(modules: Modules): ReadonlyMap<string, Manifest> {
  const manifests = new Map<string, Manifest>();
  for (const [name, { prepared }] of modules) {
    if (prepared.manifest !== null) manifests.set(name, prepared.manifest);
  }
  return manifests;
}

function quarantinedOf(bindings: Generation["bindings"]): ReturnType<Generation["quarantined"]> {
  return Array.from(bindings).flatMap(([binding, { plugin, quarantine }]) =>
    quarantine.leftMs === null ? [] : [{ binding, plugin, leftMs: Math.ceil(quarantine.leftMs) }],
  );
}

function lifeOf(
  bindings: Generation["bindings"],
  upstreams: Generation["upstreams"],
): Pick<Generation, "enter" | "retire"> {
  let running = 0;
  const idle = Promise.withResolvers<void>();
  let retired: Promise<void> | null = null;

  async function close(): Promise<void> {
    if (running > 0) await idle.promise;
    const pools = Array.from(bindings.values(), ({ pool }) => pool);
    await Promise.all([...pools, ...upstreams.values()].map((one) => one.close()));
  }

  return {
    enter() {
      running += 1;
      let over = false;
      return () => {
        if (over) return;
        over = true;
        running -= 1;
        if (running === 0 && retired !== null) idle.resolve();
      };
    },
    retire() {
      retired ??= close();
      return retired;
    },
  };
}
