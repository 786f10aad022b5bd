import { dirname, resolve } from "node:path";
import { loadConfig } from "#config/load.ts";
import { type LocatedProblem, printProblem } from "#config/problem.ts";
import type { GatewayConfig } from "#config/schema.ts";
import { capabilityImports, createCapabilities } from "./capabilities/all.ts";
import { type AcceptedConfig, createGeneration, type Generation } from "./generation.ts";
import { moduleLimits } from "./limits.ts";
import type { Log } from "./observe/log.ts";
import { type PluginSet, type RefusedFile, readPluginFolders } from "./plugin-folder.ts";
import { standardImports } from "./sandbox/link.ts";
import { type PreparedModule, prepare } from "./sandbox/prepare.ts";
import { type Watcher, watchFiles } from "./watch.ts";
import type { WatchedPaths } from "./watched-paths.ts";

/** The config cannot be used; at start there is no earlier one to go on with. */
export class ConfigRefused extends Error {
  readonly problems: readonly LocatedProblem[];

  constructor(problems: readonly LocatedProblem[]) {
    super(problems.map(printProblem).join("\n"));
    this.name = "ConfigRefused";
    this.problems = problems;
  }
}

/** What of the files is not in service as it is now, and why. */
export type Refusals = { readonly config: readonly string[]; readonly plugins: readonly RefusedFile[] };

export type Gateway = {
  /** The generation that a request of this moment begins on. */
  readonly current: Generation;
  readonly refusals: Refusals;
  /** Looks at all files again, as the watcher does by itself. */
  reload(): Promise<void>;
  /** Stops watching, waits for running requests, closes everything. */
  close(): Promise<void>;
};

export type GatewayOptions = {
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly onReload: (result: "applied" | "refused") => void;
};

/** What is in service. `key` tells whether another pair of config and plugins is the same. */
type Service = {
  readonly accepted: AcceptedConfig;
  readonly plugins: PluginSet<PreparedModule>;
  readonly generation: Generation;
  readonly key: string;
};

const everyImport = new Set([
  ...standardImports,
  ...capabilityImports(createCapabilities({ consumers: {} })),
]);

/**
 * Loads config and plugins, then keeps up with their files. A change is validated whole before it replaces what
 * runs, in one assignment; what cannot be used changes nothing but `refusals`.
 * @throws {ConfigRefused} when the files as they are now cannot be used.
 */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const { log } = options;
  const first = await loadConfig(options.file, { env: options.env });
  if (!first.ok) throw new ConfigRefused(first.problems);
  const started = await start(first, null);
  if ("problems" in started) throw new ConfigRefused(started.problems);
  let service: Service = started;
  let refusals: Refusals = { config: [], plugins: service.plugins.refused };
  logRefusals(log, refusals);
  const retiring = new Set<Promise<void>>();

  /** Takes the files as they are. A config that is refused lets the plugins through to the config that runs. */
  async function start(
    accepted: AcceptedConfig,
    before: Service | null,
  ): Promise<Service | { readonly problems: readonly LocatedProblem[] }> {
    const folders = foldersOf(options.file, accepted.config);
    const plugins = await readPluginFolders(folders, before?.plugins ?? null, {
      prepare: prepareModule,
      keep: (name) => usesPlugin(accepted.config, name),
    });
    const key = keyOf(accepted.config, plugins);
    if (before?.key === key) return { ...before, accepted, plugins };
    const made = await createGeneration(accepted, plugins.plugins, log);
    return "problems" in made ? made : { accepted, plugins, generation: made.generation, key };
  }

  let queue: Promise<void> = Promise.resolve();
  /** One at a time. */
  function reload(): Promise<void> {
    queue = queue.then(reloadNow, reloadNow);
    return queue;
  }

  async function reloadNow(): Promise<void> {
    const loaded = await loadConfig(options.file, { env: options.env });
    const next = loaded.ok ? await start(loaded, service) : { problems: loaded.problems };
    const fallback = "problems" in next ? await start(service.accepted, service) : next;
    const problems = "problems" in next ? next.problems : [];
    if (!("problems" in fallback)) replace(fallback);
    const plugins = "problems" in fallback ? service.plugins.refused : fallback.plugins.refused;
    const before = refusals;
    refusals = { config: problems.map(printProblem), plugins };
    if (JSON.stringify(before) !== JSON.stringify(refusals)) logRefusals(log, refusals);
    options.onReload(problems.length > 0 || plugins.length > 0 ? "refused" : "applied");
    await watcher.update(watched(options.file, service, loaded.ok ? [] : loaded.secretFiles));
  }

  function replace(next: Service): void {
    const { generation } = service;
    service = next;
    if (next.generation === generation) return;
    log.info({ plugins: [...next.plugins.plugins.keys()] }, "config and plugins reloaded");
    const retired = generation.retire().finally(() => retiring.delete(retired));
    retiring.add(retired);
  }

  const watcher: Watcher = watchFiles(watched(options.file, service, []), reload, {
    onError: (error) => log.error({ err: error }, "the files could not be reloaded"),
  });
  await watcher.ready;
  // What changed between the first look and the watcher's.
  await reload();

  return {
    get current() {
      return service.generation;
    },
    get refusals() {
      return refusals;
    },
    reload,
    async close() {
      await watcher.close();
      await Promise.all([...retiring, service.generation.retire()]);
    },
  };
}

function prepareModule(bytes: Uint8Array, manifestFile: Uint8Array | null): Promise<PreparedModule> {
  const manifest = manifestFile === null ? {} : { manifest: Buffer.from(manifestFile).toString("utf8") };
  return prepare(bytes, { memoryPages: moduleLimits.memoryPages, imports: everyImport, ...manifest });
}

function foldersOf(file: string, { plugins }: GatewayConfig): string[] {
  return plugins.folders.map((folder) => resolve(dirname(resolve(file)), folder));
}

function watched(
  file: string,
  { accepted: { config, source } }: Service,
  moreFiles: readonly string[],
): WatchedPaths {
  return {
    files: [file, ...source.secretFiles, ...moreFiles],
    folders: config.plugins.watch ? foldersOf(file, config) : [],
  };
}

/** Every binding of a config. */
function usesOf(config: GatewayConfig) {
  const { gateway, services, routes, consumerGroups, consumers } = config;
  const owners = [services, routes, consumerGroups, consumers].flatMap((all) => Object.values(all));
  return [gateway, ...owners].flatMap(({ use = [] }) => use);
}

function usesPlugin(config: GatewayConfig, name: string): boolean {
  return usesOf(config).some(({ plugin }) => plugin === name);
}

/** A new file that nothing uses yet is no reason to start everything anew. */
function keyOf(config: GatewayConfig, { plugins }: PluginSet<PreparedModule>): string {
  const names = new Set(usesOf(config).map(({ plugin }) => plugin));
  return JSON.stringify([config, [...names].sort().map((name) => plugins.get(name)?.digest ?? null)]);
}

function logRefusals(log: Log, { config, plugins }: Refusals): void {
  for (const problem of config)
    log.error({ problem }, "the config is refused; the last good one stays in service");
  for (const { file, reason, kept } of plugins) log.error({ file, reason, kept }, "a plugin file is refused");
}

/** Every problem that a start with these files would meet, refused plugin files included, as printed lines. */
export async function checkFiles(
  file: string,
  options: Pick<GatewayOptions, "env" | "log">,
): Promise<readonly string[]> {
  const loaded = await loadConfig(file, { env: options.env });
  if (!loaded.ok) return loaded.problems.map(printProblem);
  const folders = foldersOf(file, loaded.config);
  const { plugins, refused } = await readPluginFolders(folders, null, {
    prepare: prepareModule,
    keep: () => false,
  });
  const made = await createGeneration(loaded, plugins, options.log);
  if ("generation" in made) await made.generation.retire();
  const problems = "problems" in made ? made.problems : [];
  return [...problems.map(printProblem), ...refused.map((one) => `${one.file}: ${one.reason}`)];
}
