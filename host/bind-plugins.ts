import { performance } from "node:perf_hooks";
import { setImmediate as nextTurn } from "node:timers/promises";
import { printPath } from "#config/problem.ts";
import type { BindingConfig, ConfigProblem, GatewayConfig } from "#config/schema.ts";
import type { ConfigSource } from "#config/source.ts";
import { type Binding, everyBinding, readLayers } from "#host/resolve/binding.ts";
import { checkConfig } from "#host/resolve/check-config.ts";
import { merges } from "#host/resolve/merge.ts";
import { originOf } from "#host/resolve/origin.ts";
import type { Resolver } from "#host/resolve/plan.ts";
import { type Backing, createCapabilities, grantImports, MissingGrant } from "./capabilities/all.ts";
import type { Capability } from "./capabilities/capability.ts";
import { InvalidGrant } from "./capabilities/egress.ts";
import { callLimits, moduleLimits, pagesPerMb, tenantLimits } from "./limits.ts";
import type { Log } from "./observe/log.ts";
import { pluginLogSink } from "./observe/plugin-log.ts";
import { createQuarantine, type Quarantine } from "./pipeline/quarantine.ts";
import type { BoundPlugin } from "./pipeline/run-stage.ts";
import { InstanceBudgetSpent } from "./sandbox/capacity.ts";
import { createPool, type Pool, type Tenant } from "./sandbox/pool.ts";
import type { PreparedModule } from "./sandbox/prepare.ts";
import { ConfigureRefused } from "./sandbox/provision.ts";
import { Rejected } from "./sandbox/rejected.ts";
import type { Namespace } from "./store/store.ts";

/** The modules in service, by plugin name. */
export type Modules = ReadonlyMap<string, { readonly prepared: PreparedModule }>;

export type BindOptions = {
  readonly config: GatewayConfig;
  readonly source: ConfigSource;
  readonly modules: Modules;
  readonly log: Log;
  readonly backing: Backing;
};

type PluginConfig = NonNullable<BindingConfig["config"]>;

/**
 * Starts every binding that a plan can need: checks its config against the plugin's schema, opens a pool and lets
 * the plugin configure itself.
 * @returns the bindings by `Step.key`; or every problem, and then no pool stays open.
 */
export async function bindPlugins(
  resolver: Resolver,
  options: BindOptions,
): Promise<
  { readonly bindings: ReadonlyMap<string, BoundPlugin> } | { readonly problems: readonly ConfigProblem[] }
> {
  const { configs, problems } = checkConfigs(resolver, options);
  for (const problem of checkLimits(options.config)) problems.set(printPath(problem.path), problem);
  if (problems.size > 0) return { problems: [...problems.values()] };

  const capabilities = createCapabilities(options.config, options.backing);
  const bindings = new Map<string, BoundPlugin>();
  const closeAll = () => Promise.all(Array.from(bindings.values(), ({ pool }) => pool.close(0)));
  for (const binding of resolver.bindings) {
    const { key, plugin } = binding;
    try {
      // Each takes some milliseconds at a stretch, and the requests of the running generation go on meanwhile.
      await nextTurn();
      const pool = await openPool(binding, configs.get(key) ?? {}, { ...options, capabilities });
      bindings.set(key, { plugin, pool, quarantine: openQuarantine({ plugin, binding: key }, options.log) });
    } catch (thrown) {
      const problem = problemOf(binding, thrown);
      if (problem === null) {
        await closeAll();
        throw thrown;
      }
      addProblem(problems, binding, problem);
    }
  }
  if (problems.size === 0) return { bindings };
  await closeAll();
  return { problems: [...problems.values()] };
}

function openQuarantine(names: { readonly plugin: string; readonly binding: string }, log: Log): Quarantine {
  return createQuarantine({
    now: () => performance.now(),
    onChange: (forMs) =>
      forMs === null
        ? log.info(names, "a plugin is back in service")
        : log.error({ ...names, forMs }, "a plugin that keeps failing is cut off"),
  });
}

/**
 * The configs of the bindings that plans need, by key, with the defaults of the plugins' schemas. Those that no plan needs
 * yet are checked too, except for ones that merge: what they would merge over is not known.
 */
function checkConfigs(
  resolver: Resolver,
  { config, source, modules }: BindOptions,
): { configs: Map<string, PluginConfig>; problems: Map<string, ConfigProblem> } {
  const configs = new Map<string, PluginConfig>();
  const problems = new Map<string, ConfigProblem>();
  const written = Array.from(everyBinding(readLayers(config))).filter((one) => one.enabled && !merges(one));
  const bindings = new Map([...written, ...resolver.bindings].map((binding) => [binding.key, binding]));
  for (const binding of bindings.values()) {
    const manifest = modules.get(binding.plugin)?.prepared.manifest;
    if (manifest === undefined || manifest === null) continue;
    const checked = checkConfig(binding, manifest, source);
    if (checked.ok) configs.set(binding.key, checked.config);
    else for (const problem of checked.problems) addProblem(problems, binding, problem);
  }
  return { configs, problems };
}

/** What several bindings share is wrong once, and first where it stands alone. */
function addProblem(problems: Map<string, ConfigProblem>, binding: Binding, problem: ConfigProblem): void {
  const { path, message } = problem;
  const same = `${printPath(path)} ${message}`;
  if (problems.has(same)) return;
  problems.set(same, { ...problem, message: `${message}${whyIncomplete(binding)}` });
}

/** What the lines of the config do not show: that a binding was merged, or found nothing to merge over. */
function whyIncomplete(binding: Binding): string {
  const { key, id, sources } = binding;
  if (sources.length > 1) return ` (merged: ${key})`;
  if (!merges(binding)) return "";
  return ` (on a route where nothing more general binds the id "${id}" it stands alone and must be complete)`;
}

/** Limits of a binding that are above the operator's. */
function checkLimits(config: GatewayConfig): ConfigProblem[] {
  const most = operatorLimits(config);
  return Array.from(everyBinding(readLayers(config))).flatMap(({ path, limits }) =>
    Object.entries(limits).flatMap(([name, value]) => {
      const limit = most[name as keyof typeof most];
      if (value <= limit) return [];
      const message = `${value} is above the operator's ${limit}, which limits.plugins.${name} can raise`;
      return [{ path: [...path, "limits", name], message }];
    }),
  );
}

/** Of one call; what a binding does not lower. */
function operatorLimits({ limits: { plugins } }: GatewayConfig) {
  return {
    fuel: plugins.fuel ?? callLimits.fuel,
    deadlineMs: plugins.deadlineMs ?? callLimits.deadlineMs,
    memoryMb: plugins.memoryMb ?? moduleLimits.memoryPages / pagesPerMb,
  };
}

function tenantOf({ tenant }: Binding, { tenants }: GatewayConfig): Tenant | null {
  if (tenant === null) return null;
  return { name: tenant, ...tenantLimits, ...tenants[tenant] };
}

function openPool(
  binding: Binding,
  config: PluginConfig,
  {
    modules,
    log,
    capabilities,
    config: gateway,
  }: BindOptions & { readonly capabilities: readonly Capability[] },
): Promise<Pool> {
  const prepared = modules.get(binding.plugin)?.prepared;
  if (!prepared?.manifest) throw new Error(`no module for ${binding.plugin}`);
  const { key, id, plugin, limits, grants } = binding;
  const { manifest } = prepared;
  const scope = { plugin, binding: key, namespace: namespaceOf(binding), manifest, grants };
  const imported = new Set(prepared.imports.map(({ module, name }) => `${module}.${name}`));
  const { level } = gateway.log;
  const { fuel, deadlineMs, memoryMb } = { ...operatorLimits(gateway), ...limits };
  const tenant = tenantOf(binding, gateway);
  return createPool(prepared, {
    name: id === plugin ? plugin : `${plugin} (${id})`,
    config: JSON.stringify(config),
    extismConfig: extismConfig(config),
    state: binding.declared.state ?? manifest.state ?? "request",
    limits: { fuel, deadlineMs, memoryPages: Math.floor(memoryMb * pagesPerMb) },
    ...(tenant === null ? {} : { tenant }),
    imports: grantImports(capabilities, scope, { imported }),
    log: pluginLogSink(log, plugin, scope.binding),
    logLevel: level === "silent" ? "error" : level,
  });
}

/**
 * What it keeps must survive an edit that moves it in its list, so its place there is no part of the name. A merged binding
 * keeps what its most specific part would: a consumer's is one on all routes.
 */
function namespaceOf({ tenant, plugin, level, owner, id }: Binding): Namespace {
  return { tenant, plugin, binding: [level, owner, id] };
}

/** What `config_get` finds: plugins of other PDKs read their config as texts. */
function extismConfig(config: PluginConfig): Record<string, string> {
  const entries = Object.entries(config);
  return Object.fromEntries(
    entries.map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
  );
}

/** Null for what is no fault of config or plugin. */
function problemOf(binding: Binding, thrown: unknown): ConfigProblem | null {
  const { path, plugin } = binding;
  const at = (...member: string[]) => originOf(binding, member);
  if (thrown instanceof InvalidGrant) return { path: at("grants", "http"), message: thrown.message };
  if (thrown instanceof MissingGrant) return { path: at("grants"), message: thrown.message };
  if (thrown instanceof ConfigureRefused) {
    const { outcome } = thrown.result;
    const what = outcome === "error" ? "refuses this config" : `did not start (${outcome})`;
    return { path: at("config"), message: `the plugin "${plugin}" ${what}: ${thrown.message}` };
  }
  if (thrown instanceof Rejected || thrown instanceof InstanceBudgetSpent)
    return { path, message: thrown.message };
  return null;
}
