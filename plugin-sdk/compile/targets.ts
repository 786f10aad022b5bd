import { readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";

/** A plugin's entry file and the module that it becomes. */
export type Target = { readonly entry: string; readonly output: string };

/** A path that names no plugin. */
export class NoTarget extends Error {
  constructor(path: string, reason: string) {
    super(`${path}: ${reason}`);
    this.name = "NoTarget";
  }
}

const entryName = "plugin.ts";
const source = /\.(ts|mts|js|mjs)$/;
const notPlugin = /\.(test|d)\.ts$/;

/**
 * What a path means to build: a source file, the folder of one plugin, or a folder of plugins, in the order of
 * their names. The module lies beside the file or the plugin's folder. @throws NoTarget
 */
export async function findTargets(path: string): Promise<Target[]> {
  const kind = await kindOf(path);
  if (kind === null) throw new NoTarget(path, "no such file or folder");
  if (kind === "file") {
    if (!source.test(path)) throw new NoTarget(path, "not a .ts or .js file");
    return [{ entry: path, output: path.replace(source, ".wasm") }];
  }
  const alone = join(path, entryName);
  if ((await kindOf(alone)) === "file") {
    // Of `.` the name is not in the path.
    return [{ entry: alone, output: join(path, "..", `${basename(resolve(path))}.wasm`) }];
  }
  const targets = await targetsIn(path);
  const outputs = Map.groupBy(targets, ({ output }) => output);
  for (const [output, makers] of outputs) {
    if (makers.length > 1) {
      throw new NoTarget(output, `made of both ${makers.map(({ entry }) => entry).join(" and ")}`);
    }
  }
  return targets;
}

async function targetsIn(folder: string): Promise<Target[]> {
  const targets: Target[] = [];
  for (const name of (await readdir(folder)).sort()) {
    const path = join(folder, name);
    const entry = join(path, entryName);
    if (name.endsWith(".ts") && !notPlugin.test(name)) {
      targets.push({ entry: path, output: path.replace(source, ".wasm") });
    } else if (!name.startsWith(".") && (await kindOf(entry)) === "file") {
      targets.push({ entry, output: `${path}.wasm` });
    }
  }
  return targets;
}

/** Null when there is nothing of that name. */
async function kindOf(path: string): Promise<"file" | "folder" | null> {
  try {
    return (await stat(path)).isDirectory() ? "folder" : "file";
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw thrown;
  }
}
