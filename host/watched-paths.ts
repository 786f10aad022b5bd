import { lstat, readdir, readlink, stat } from "node:fs/promises";
import { dirname, join, parse, resolve, sep } from "node:path";
import { isPluginFile } from "./plugin-folder.ts";

/** What to watch: single files, and the plugin files that lie directly in folders. */
export type WatchedPaths = { readonly files: readonly string[]; readonly folders: readonly string[] };

/** More links in a row are a circle. */
const maxLinks = 32;

/**
 * Every link that an absolute path leads through, folders on the way included, and at the end where it leads
 * to: the places where a change makes the path mean something else. Stops at what does not exist.
 */
export async function followLinks(path: string): Promise<string[]> {
  const links: string[] = [];
  let { root: current } = parse(path);
  let rest = path.slice(current.length).split(sep).filter(Boolean);
  for (let segment = rest.shift(); segment !== undefined; segment = rest.shift()) {
    const next = resolve(current, segment);
    const target = links.length < maxLinks ? await readLink(next) : undefined;
    if (target === undefined) {
      current = next;
      continue;
    }
    links.push(next);
    const destination = resolve(current, target);
    current = parse(destination).root;
    rest = [...destination.slice(current.length).split(sep).filter(Boolean), ...rest];
  }
  return [...links, current];
}

async function readLink(path: string): Promise<string | undefined> {
  const status = await lstat(path).catch(() => undefined);
  return status?.isSymbolicLink() ? readlink(path).catch(() => undefined) : undefined;
}

/**
 * Which folder this path is now. Differs when it was made again, and for a missing one also when the nearest
 * folder above it changed: a watcher of the one before does not hear of the new one. Inode numbers are used again, hence the time of birth.
 */
export async function folderIdentity(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    const status = await stat(folder, { bigint: true }).catch(() => undefined);
    if (status !== undefined) return `${folder} ${status.dev} ${status.ino} ${status.birthtimeNs}`;
    if (folder === dirname(folder)) return "absent";
  }
}

/**
 * Each path with what it is now. A text differs whenever the file, or a plugin file of the folder, was written,
 * replaced, added, removed or led elsewhere.
 */
export async function versionsOf(paths: WatchedPaths): Promise<Map<string, string>> {
  const files = paths.files.map(async (file) => [`file ${file}`, await versionOf(file)] as const);
  const folders = paths.folders.map(
    async (folder) => [`folder ${folder}`, await folderVersion(folder)] as const,
  );
  return new Map(await Promise.all([...files, ...folders]));
}

async function folderVersion(folder: string): Promise<string> {
  const names = (await readdir(folder).catch(() => [])).filter(isPluginFile).sort();
  const versions = await Promise.all(names.map((name) => versionOf(join(folder, name))));
  return JSON.stringify([await versionOf(folder), names, versions]);
}

/** Of a folder only whether it is there: its own times change with every temporary file. */
async function versionOf(path: string): Promise<string> {
  const status = await stat(path, { bigint: true }).catch(() => undefined);
  if (status === undefined) return "absent";
  if (status.isDirectory()) return "folder";
  return [status.dev, status.ino, status.size, status.mtimeNs, status.ctimeNs].join(" ");
}
