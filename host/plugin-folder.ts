import { createHash } from "node:crypto";
import { lstat, readdir, realpath } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { FileRefused, readBounded } from "#config/read-bounded.ts";
import type { Manifest } from "#sdk/abi/manifest.ts";
import { folderLimits } from "./limits.ts";

/** A plugin that is in service. */
export type FolderPlugin<Module> = {
  /** Absolute path of the `.wasm`. */
  readonly file: string;
  readonly prepared: Module;
  /** SHA-256 of the bytes that it was prepared from, module and manifest file. */
  readonly digest: string;
};

/** Why a file is not in service as it is now. */
export type RefusedFile = {
  /** Absolute path of the `.wasm`, or of a folder that cannot be read. */
  readonly file: string;
  readonly reason: string;
  /** The plugin that goes on as it was before; absent when there is none, or nobody uses it. */
  readonly kept?: string;
};

export type PluginSet<Module> = {
  /** By the name in the manifest. */
  readonly plugins: ReadonlyMap<string, FolderPlugin<Module>>;
  readonly refused: readonly RefusedFile[];
};

export type PluginFolderOptions<Module> = {
  /** Of a `.wasm`; a longer one is not read. */
  readonly moduleBytes: number;
  /** Whether a file whose bytes have not changed keeps its module; default true. */
  readonly reuse?: boolean;
  /**
   * Makes a module out of a `.wasm` and the manifest file beside it.
   * @throws {Error} whose message is the reason to refuse it.
   */
  readonly prepare: (bytes: Uint8Array, manifestFile: Uint8Array | null) => Promise<Module>;
  /** Whether the plugin of this name must stay in service when its file turned bad or vanished. */
  readonly keep: (name: string) => boolean;
};

/**
 * Reads every `*.wasm` that lies directly in the folders. A file whose bytes are those of `previous` is not
 * prepared again unless `reuse` is false. Of two files with one plugin name the first counts, in the order of the folders and then of
 * the file names. Nothing is thrown for a bad file: it is refused by name, and what it was before goes on if
 * `keep` says so.
 */
export async function readPluginFolders<Module extends { readonly manifest: Manifest | null }>(
  folders: readonly string[],
  previous: PluginSet<Module> | null,
  options: PluginFolderOptions<Module>,
): Promise<PluginSet<Module>> {
  const known = [...(previous?.plugins.values() ?? [])];
  const plugins = new Map<string, FolderPlugin<Module>>();
  const reasons = new Map<string, string>();

  const { files, refused } = await listModules(folders);
  for (const file of files) {
    try {
      const plugin = await readPlugin(file, known, options);
      const name = plugin.prepared.manifest?.name;
      if (name === undefined) throw new Error(withoutManifest(file));
      const first = plugins.get(name);
      if (first) throw new Error(`the plugin "${name}" is already in ${first.file}; remove one of them`);
      plugins.set(name, plugin);
    } catch (thrown) {
      reasons.set(file, thrown instanceof Error ? thrown.message : String(thrown));
    }
  }

  const present = new Set(files);
  for (const [name, plugin] of previous?.plugins ?? []) {
    if (plugins.has(name) || !options.keep(name)) continue;
    plugins.set(name, plugin);
    const elsewhere = present.has(plugin.file) ? `it is no longer the plugin "${name}"` : "it is gone";
    refused.push({ file: plugin.file, reason: reasons.get(plugin.file) ?? elsewhere, kept: name });
    reasons.delete(plugin.file);
  }
  for (const [file, reason] of reasons) refused.push({ file, reason });
  return { plugins, refused };
}

function withoutManifest(file: string): string {
  return `it has no manifest: build it with \`sandgate plugin build\`, or put ${basename(manifestFileOf(file))} beside it`;
}

function manifestFileOf(file: string): string {
  return file.replace(/\.wasm$/, ".manifest.json");
}

async function listModules(folders: readonly string[]): Promise<{ files: string[]; refused: RefusedFile[] }> {
  const files: string[] = [];
  const refused: RefusedFile[] = [];
  for (const folder of new Set(folders.map((path) => resolve(path)))) {
    try {
      const names = (await readdir(folder)).filter(isModuleName).sort();
      files.push(...names.map((name) => join(folder, name)));
    } catch (thrown) {
      const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : String(thrown);
      refused.push({ file: folder, reason: `the folder cannot be read: ${folderReasons[code] ?? code}` });
    }
  }
  for (const file of files.splice(folderLimits.files)) {
    refused.push({ file, reason: `there are more than ${folderLimits.files} modules` });
  }
  return { files, refused };
}

const folderReasons: Readonly<Record<string, string>> = {
  ENOENT: "no such folder",
  ENOTDIR: "it is not a folder",
  EACCES: "permission denied",
};

/** Whether a file of this name has a part in the folder: not what an editor or a copying program still works on. */
export function isPluginFile(name: string): boolean {
  return /\.(wasm|manifest\.json)$/.test(name) && !/^[.~#]/.test(name);
}

function isModuleName(name: string): boolean {
  return isPluginFile(name) && name.endsWith(".wasm");
}

async function readPlugin<Module>(
  file: string,
  known: readonly FolderPlugin<Module>[],
  { moduleBytes, reuse = true, prepare }: PluginFolderOptions<Module>,
): Promise<FolderPlugin<Module>> {
  const bytes = await readBounded(await insideFolder(file), moduleBytes, { followLinks: false });
  if (bytes.length === 0) throw new Error("it is empty");
  const manifestFile = await readManifestFile(manifestFileOf(file));
  const digest = createHash("sha256")
    .update(bytes)
    .update(manifestFile === null ? "" : createHash("sha256").update(manifestFile).digest())
    .digest("hex");
  const same = reuse && known.find((plugin) => plugin.file === file && plugin.digest === digest);
  return same || { file, prepared: await prepare(bytes, manifestFile), digest };
}

async function readManifestFile(file: string): Promise<Uint8Array | null> {
  try {
    return await readBounded(await insideFolder(file), folderLimits.manifestBytes, { followLinks: false });
  } catch (thrown) {
    if (!(thrown instanceof FileRefused)) throw thrown;
    if (thrown.code === "missing") return null;
    throw new Error(`${basename(file)}: ${thrown.message}`, { cause: thrown });
  }
}

/**
 * The file itself, or what a link stands for when that lies in the same folder, as in a mounted ConfigMap.
 * A link that leads out of the folder would let who may write there load what lies elsewhere.
 */
async function insideFolder(file: string): Promise<string> {
  const link = await lstat(file).catch(() => undefined);
  if (!link?.isSymbolicLink()) return file;
  const [real, folder] = await Promise.all(
    [file, dirname(file)].map((path) => realpath(path).catch(() => "")),
  );
  if (!real || !folder) throw new FileRefused("not-a-file", "it is a link to nothing");
  if (!real.startsWith(folder + sep))
    throw new FileRefused("not-a-file", "it is a link that leads out of the folder");
  return real;
}
