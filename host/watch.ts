import { basename, dirname, resolve } from "node:path";
import { type FSWatcher, watch } from "chokidar";
import { isPluginFile } from "./plugin-folder.ts";
import { folderIdentity, followLinks, versionsOf, type WatchedPaths } from "./watched-paths.ts";

export type Watcher = {
  /** Resolves when every change from now on is noticed. */
  readonly ready: Promise<void>;
  /**
   * Watches these paths instead; resolves like `ready`. For a path that was watched before, a change that
   * `onChange` was not told of yet still counts; a new path counts as it is now.
   */
  update(paths: WatchedPaths): Promise<void>;
  /** No call of `onChange` begins after this. Resolves when nothing is watched. */
  close(): Promise<void>;
};

/** A burst is over when nothing happened for this long. */
const quietMs = 80;
/** A burst without end, such as a long copy, is looked at this often. */
const patienceMs = 1_000;

/**
 * Calls `onChange` about 100 ms after a burst of changes, when what is watched differs from what it was at the
 * call before; the next call waits for the promise of the last. Paths need not exist. An event only says when to
 * look, and the look decides: a file that was renamed over, an editor's temporary file, the swapped link of a
 * ConfigMap, a folder that was removed and made again are no special cases. Who waits for `ready` before reading
 * the files misses no change.
 * @param options.onError told what `onChange` throws, and when the system refuses to watch.
 */
export function watchFiles(
  paths: WatchedPaths,
  onChange: () => void | Promise<void>,
  options: { readonly onError: (error: unknown) => void },
): Watcher {
  let wanted = absolute(paths);
  let watched: { key: string; watcher: FSWatcher } | undefined;
  let burst: { startedMs: number; timer: NodeJS.Timeout } | undefined;
  let seen: ReadonlyMap<string, string> = new Map();
  let closed = false;

  /** One look at a time. `onChange` runs beside it, so that it may wait for `update`. */
  let queue: Promise<void> = Promise.resolve();
  const enqueue = (step: () => Promise<void>) => {
    queue = queue.then(() => (closed ? undefined : step())).catch(options.onError);
    return queue;
  };

  let untold = false;
  let telling = false;
  async function tell(): Promise<void> {
    untold = true;
    if (telling) return;
    telling = true;
    while (untold && !closed) {
      untold = false;
      try {
        await onChange();
      } catch (thrown) {
        options.onError(thrown);
      }
    }
    telling = false;
  }

  /** How things are. First takes up the folders as they are now: a link may lead elsewhere, a folder be a new one. */
  async function look(): Promise<Map<string, string>> {
    for (;;) {
      const { folders, names } = await placesOf(wanted);
      const key = JSON.stringify([folders, names, await Promise.all(folders.map(folderIdentity))]);
      if (key === watched?.key || closed) return versionsOf(wanted);
      const watcher = await watchFolders(folders, new Set([...folders, ...names]));
      await watched?.watcher.close();
      // What happened until the new watcher was ready shows in the next turn.
      watched = { key, watcher };
    }
  }

  async function watchFolders(folders: readonly string[], names: ReadonlySet<string>): Promise<FSWatcher> {
    const moduleFolders = new Set(wanted.folders);
    const watcher = watch([...folders], {
      ignoreInitial: true,
      depth: 0,
      atomic: false,
      // A link is watched as itself; what it leads to lies in a folder of the list.
      followSymlinks: false,
      ignored: (path) =>
        !names.has(path) && !(moduleFolders.has(dirname(path)) && isPluginFile(basename(path))),
    });
    watcher.on("all", schedule);
    // A file that is at once a folder is no event of "all".
    watcher.on("raw", schedule);
    watcher.on("error", options.onError);
    await new Promise<unknown>((done) => watcher.once("ready", () => done(null)).once("error", done));
    return watcher;
  }

  function schedule(): void {
    if (closed) return;
    clearTimeout(burst?.timer);
    const startedMs = burst?.startedMs ?? performance.now();
    const patience = Math.max(0, startedMs + patienceMs - performance.now());
    burst = { startedMs, timer: setTimeout(endBurst, Math.min(quietMs, patience)) };
  }

  function endBurst(): void {
    burst = undefined;
    enqueue(async () => {
      const now = await look();
      if (closed || same(now, seen)) return;
      seen = now;
      tell();
    });
  }

  const start = () =>
    enqueue(async () => {
      const now = await look();
      seen = new Map([...now].map(([path, version]) => [path, seen.get(path) ?? version]));
      if (!same(now, seen)) schedule();
    });

  return {
    ready: start(),
    update(next) {
      wanted = absolute(next);
      return start();
    },
    async close() {
      closed = true;
      clearTimeout(burst?.timer);
      await queue;
      await watched?.watcher.close();
    },
  };
}

function same(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([path, version]) => b.get(path) === version);
}

function absolute({ files, folders }: WatchedPaths): WatchedPaths {
  return { files: files.map((path) => resolve(path)), folders: folders.map((path) => resolve(path)) };
}

/** The folders to listen in, and what counts there besides plugin files. */
async function placesOf({ files, folders }: WatchedPaths): Promise<{ folders: string[]; names: string[] }> {
  const chains = await Promise.all([...files, ...folders].map(followLinks));
  const names = new Set(chains.flat());
  const places = new Set([...names].map((path) => dirname(path)));
  for (const chain of chains.slice(files.length)) places.add(chain.at(-1) ?? "/");
  for (const folder of folders) places.add(folder);
  return { folders: [...places].sort(), names: [...names].sort() };
}
