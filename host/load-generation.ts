import { dirname, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { loadConfig } from "#config/load.ts";
import { type LocatedProblem, printProblem } from "#config/problem.ts";
import type { GatewayConfig } from "#config/schema.ts";
import { locateProblem } from "#config/source.ts";
import type { Manifest } from "#sdk/abi/manifest.ts";
import { type Backing, capabilityImports, createCapabilities, memoryBacking } from "./capabilities/all.ts";
import { type AcceptedConfig, createGeneration, type Generation, manifestsOf } from "./generation.ts";
import { bytesPerMb, moduleLimits, pagesPerMb } from "./limits.ts";
import type { Log } from "./observe/log.ts";
import { type PluginSet, readPluginFolders } from "./plugin-folder.ts";
import { everyBinding, readLayers } from "./resolve/binding.ts";
import { standardImports } from "./sandbox/link.ts";
import { type PreparedModule, prepare } from "./sandbox/prepare.ts";
import { StoreUnusable } from "./store/store.ts";
import type { WatchedPaths } from "./watched-paths.ts";

export type LoadOptions = {
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
};

/** What plugins keep, in the file that a config names; null: in memory. Throws StoreUnusable. */
export type OpenBacking = (storeFile: string | null) => Promise<Backing>;

type ServeOptions = LoadOptions & { readonly openBacking: OpenBacking };

/** A generation and the files that it was made of. */
export type LoadedGeneration = {
  readonly accepted: AcceptedConfig;
  readonly plugins: PluginSet<PreparedModule>;
  readonly generation: Generation;
  /** Of what it was made of: the same text, the same generation. */
  readonly key: string;
};

type Problems = { readonly problems: readonly LocatedProblem[] };

export type LoadedFiles = {
  /** What the files make. When their config is refused, that of before, with the plugins as they are; null if there is none. */
  readonly next: LoadedGeneration | null;
  /** Why the config is refused; empty when it is not. */
  readonly problems: readonly LocatedProblem[];
  /** Where a change may make a difference, to a config that is refused too. */
  readonly watched: WatchedPaths;
};

/** Takes the files as they are: loads the config, and starts it with the plugins. */
export async function loadFiles(
  options: ServeOptions,
  before: LoadedGeneration | null,
): Promise<LoadedFiles> {
  const { file, env } = options;
  const loaded = await loadConfig(file, { env });
  const watched = loaded.ok ? watchedBy(file, loaded) : { files: [file, ...loaded.secretFiles], folders: [] };
  const started = loaded.ok ? await startWithPlugins(options, loaded, before) : loaded;
  if (!("problems" in started)) return { next: started, problems: [], watched };
  const { problems } = started;
  if (before === null) return { next: null, problems, watched };

  const again = await startWithPlugins(options, before.accepted, before);
  return {
    next: "problems" in again ? before : again,
    problems,
    watched: both(watched, watchedBy(file, before.accepted)),
  };
}

/** The config with the plugins as they are. When nothing that it is made of changed, the generation is that of before. */
async function startWithPlugins(
  { file, log, openBacking }: ServeOptions,
  accepted: AcceptedConfig,
  before: LoadedGeneration | null,
): Promise<LoadedGeneration | Problems> {
  const { config } = accepted;
  const used = usedPlugins(config);
  const previous = before?.plugins ?? null;
  const policy = policyOf(config);
  const plugins = await readPluginFolders(foldersOf(file, config), previous, {
    ...policy,
    // What was prepared under another policy has other limits in its code.
    reuse: before !== null && isDeepStrictEqual(policyOf(before.accepted.config), policy),
    prepare: (bytes, manifest) => prepareModule(bytes, manifest, policy),
    keep: (name) => used.has(name),
  });
  // A new file that nothing uses yet is no reason to start everything anew.
  const digests = [...used].sort().map((name) => plugins.plugins.get(name)?.digest ?? null);
  const key = JSON.stringify([config, digests]);
  if (before?.key === key) return { ...before, accepted, plugins };
  const backing = await openBacking(storeFileOf(file, config)).catch(unusableStore);
  if (backing instanceof StoreUnusable) {
    const { message } = backing;
    return { problems: [locateProblem(accepted.source, { path: ["store", "file"], message })] };
  }
  const made = await createGeneration(accepted, plugins.plugins, { log, backing });
  return "problems" in made ? made : { accepted, plugins, generation: made.generation, key };
}

/** Every problem that a start with these files would meet, refused plugin files included, as printed lines. */
export async function checkFiles(options: LoadOptions): Promise<readonly string[]> {
  const { file, env, log } = options;
  const loaded = await loadConfig(file, { env });
  if (!loaded.ok) return loaded.problems.map(printProblem);
  const { plugins, refused } = await readPluginsOnce(file, loaded.config);
  // The file of the store may be in use by the gateway that runs.
  const made = await createGeneration(loaded, plugins, { log, backing: memoryBacking() });
  if ("generation" in made) await made.generation.retire();
  const problems = "problems" in made ? made.problems : [];
  return [...problems.map(printProblem), ...refused.map((one) => `${one.file}: ${one.reason}`)];
}

/** The config with the manifests of the plugins in its folders, nothing started; or its problems. */
export async function loadManifests({
  file,
  env,
}: Pick<LoadOptions, "file" | "env">): Promise<
  { readonly accepted: AcceptedConfig; readonly manifests: ReadonlyMap<string, Manifest> } | Problems
> {
  const loaded = await loadConfig(file, { env });
  if (!loaded.ok) return loaded;
  const { plugins } = await readPluginsOnce(file, loaded.config);
  return { accepted: loaded, manifests: manifestsOf(plugins) };
}

function readPluginsOnce(file: string, config: GatewayConfig): Promise<PluginSet<PreparedModule>> {
  const policy = policyOf(config);
  return readPluginFolders(foldersOf(file, config), null, {
    ...policy,
    prepare: (bytes, manifest) => prepareModule(bytes, manifest, policy),
    keep: () => false,
  });
}

type Policy = { readonly moduleBytes: number; readonly memoryPages: number };

function policyOf({ limits: { plugins } }: GatewayConfig): Policy {
  const { moduleMb, memoryMb } = plugins;
  return {
    moduleBytes: moduleMb === undefined ? moduleLimits.moduleBytes : Math.floor(moduleMb * bytesPerMb),
    memoryPages: memoryMb === undefined ? moduleLimits.memoryPages : Math.floor(memoryMb * pagesPerMb),
  };
}

function prepareModule(
  bytes: Uint8Array,
  manifestFile: Uint8Array | null,
  policy: Policy,
): Promise<PreparedModule> {
  const manifest = manifestFile === null ? {} : { manifest: Buffer.from(manifestFile).toString("utf8") };
  return prepare(bytes, { ...policy, imports: everyImport, ...manifest });
}

const everyImport = new Set([
  ...standardImports,
  ...capabilityImports(createCapabilities({ consumers: {} })),
]);

function usedPlugins(config: GatewayConfig): ReadonlySet<string> {
  return new Set(Array.from(everyBinding(readLayers(config)), ({ plugin }) => plugin));
}

function foldersOf(file: string, { plugins }: GatewayConfig): string[] {
  return plugins.folders.map((folder) => resolve(dirname(resolve(file)), folder));
}

function storeFileOf(file: string, { store }: GatewayConfig): string | null {
  return store === undefined ? null : resolve(dirname(resolve(file)), store.file);
}

function unusableStore(thrown: unknown): StoreUnusable {
  if (thrown instanceof StoreUnusable) return thrown;
  throw thrown;
}

function watchedBy(file: string, { config, source }: AcceptedConfig): WatchedPaths {
  return {
    files: [file, ...source.secretFiles],
    folders: config.plugins.watch ? foldersOf(file, config) : [],
  };
}

function both(one: WatchedPaths, other: WatchedPaths): WatchedPaths {
  return { files: [...one.files, ...other.files], folders: [...one.folders, ...other.folders] };
}
