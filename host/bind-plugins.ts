import { performance } from "node:perf_hooks";
import { checkPluginConfig } from "#config/plugin-config.ts";
import { printPath } from "#config/problem.ts";
import type { BindingConfig, ConfigPath, ConfigProblem, GatewayConfig } from "#config/schema.ts";
import { type ConfigSource, interpolatedAt } from "#config/source.ts";
import { type Binding, everyBinding, readLayers } from "#host/resolve/binding.ts";
import type { Resolver } from "#host/resolve/plan.ts";
import { createCapabilities, grantImports } from "./capabilities/all.ts";
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

/** The modules in service, by plugin name. */
export type Modules = ReadonlyMap<string, { readonly prepared: PreparedModule }>;

export type BindOptions = {
  readonly config: GatewayConfig;
  readonly source: ConfigSource;
  readonly modules: Modules;
  readonly log: Log;
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
  const { configs, problems } = checkConfigs(options);
  problems.push(...checkLimits(options.config));
  if (problems.length > 0) return { problems };

  const capabilities = createCapabilities(options.config);
  const bindings = new Map<string, BoundPlugin>();
  const closeAll = () => Promise.all(Array.from(bindings.values(), ({ pool }) => pool.close(0)));
  for (const binding of resolver.bindings) {
    const key = printPath(binding.path);
    const { plugin } = binding;
    try {
      const pool = await openPool(binding, configs.get(key) ?? {}, { ...options, capabilities });
      bindings.set(key, { plugin, pool, quarantine: openQuarantine({ plugin, binding: key }, options.log) });
    } catch (thrown) {
      const problem = problemOf(binding, thrown);
      if (problem === null) {
        await closeAll();
        throw thrown;
      }
      problems.push(problem);
    }
  }
  if (problems.length === 0) return { bindings };
  await closeAll();
  return { problems };
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

/** The config of every enabled binding, also of those that no plan needs yet, with the defaults of the plugin's schema. */
function checkConfigs({ config, source, modules }: BindOptions): {
  configs: Map<string, PluginConfig>;
  problems: ConfigProblem[];
} {
  const configs = new Map<string, PluginConfig>();
  const problems: ConfigProblem[] = [];
  for (const { plugin, path, enabled, config: written } of everyBinding(readLayers(config))) {
    const manifest = modules.get(plugin)?.prepared.manifest;
    if (!enabled || manifest === undefined || manifest === null) continue;
    const at: ConfigPath = [...path, "config"];
    const checked = checkPluginConfig(manifest.configSchema ?? withoutConfig, written as PluginConfig, {
      isPlaceholder: (inner) => interpolatedAt(source, [...at, ...inner])?.whole ?? false,
    });
    if (checked.ok) configs.set(printPath(path), checked.config);
    else
      problems.push(...checked.problems.map((problem) => ({ ...problem, path: [...at, ...problem.path] })));
  }
  return { configs, problems };
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

/** Of a plugin that has no schema for a config. */
const withoutConfig = { type: "object", additionalProperties: false } as const;

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
  const { id, plugin, limits, grants } = binding;
  const key = printPath(binding.path);
  const { level } = gateway.log;
  const { fuel, deadlineMs, memoryMb } = { ...operatorLimits(gateway), ...limits };
  const tenant = tenantOf(binding, gateway);
  return createPool(prepared, {
    name: id === plugin ? plugin : `${plugin} (${id})`,
    config: JSON.stringify(config),
    extismConfig: extismConfig(config),
    state: binding.declared.state ?? prepared.manifest.state ?? "request",
    limits: { fuel, deadlineMs, memoryPages: Math.floor(memoryMb * pagesPerMb) },
    ...(tenant === null ? {} : { tenant }),
    imports: grantImports(capabilities, { plugin, binding: key, manifest: prepared.manifest, grants }),
    log: pluginLogSink(log, plugin, key),
    logLevel: level === "silent" ? "error" : level,
  });
}

/** What `config_get` finds: plugins of other PDKs read their config as texts. */
function extismConfig(config: PluginConfig): Record<string, string> {
  const entries = Object.entries(config);
  return Object.fromEntries(
    entries.map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
  );
}

/** Null for what is no fault of config or plugin. */
function problemOf({ path, plugin }: Binding, thrown: unknown): ConfigProblem | null {
  if (thrown instanceof InvalidGrant) return { path: [...path, "grants", "http"], message: thrown.message };
  if (thrown instanceof ConfigureRefused) {
    const { outcome } = thrown.result;
    const what = outcome === "error" ? "refuses this config" : `did not start (${outcome})`;
    return { path: [...path, "config"], message: `the plugin "${plugin}" ${what}: ${thrown.message}` };
  }
  if (thrown instanceof Rejected || thrown instanceof InstanceBudgetSpent)
    return { path, message: thrown.message };
  return null;
}
