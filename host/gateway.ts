import { type LocatedProblem, printProblem } from "#config/problem.ts";
import type { MetricSink } from "./capabilities/metrics.ts";
import type { Generation } from "./generation.ts";
import { type LoadedGeneration, type LoadOptions, loadFiles } from "./load-generation.ts";
import type { Log } from "./observe/log.ts";
import type { RefusedFile } from "./plugin-folder.ts";
import { keepHealth } from "./probed-health.ts";
import { createSchedule, type ScheduleObserver } from "./schedule.ts";
import { createCaches } from "./store/cache.ts";
import { createStores } from "./store/stores.ts";
import { watchFiles } from "./watch.ts";

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
  /** What that generation was made of. */
  readonly files: Pick<LoadedGeneration, "accepted" | "plugins">;
  /** When the `schedule` hook of a binding runs next, by the key of the binding; null when it has none. */
  nextRun(binding: string): Date | null;
  /** Looks at all files again, as the watcher does by itself. */
  reload(): Promise<void>;
  /** Stops watching, waits for running requests, closes everything. */
  close(): Promise<void>;
};

export type GatewayOptions = LoadOptions & {
  readonly onReload: (result: "applied" | "refused") => void;
  /** What plugins measure. */
  readonly metrics: MetricSink;
  /** Who is told of hooks that run from time to time. */
  readonly scheduled: Pick<ScheduleObserver, "run" | "skip">;
};

/**
 * Loads config and plugins, then keeps up with their files. A change is validated whole before it replaces what
 * runs, in one assignment; what cannot be used changes nothing but `refusals`.
 * @throws {ConfigRefused} when the files as they are now cannot be used.
 */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const { log, onReload, metrics } = options;
  const stores = createStores((file, error) => logStore(log, file, error));
  const caches = createCaches();
  const loading = {
    ...options,
    openBacking: async (storeFile: string | null) => ({
      store: await stores.open(storeFile),
      caches,
      metrics,
    }),
  };
  const first = await loadFiles(loading, null);
  if (first.next === null) {
    await stores.close();
    throw new ConfigRefused(first.problems);
  }
  const inService = createPlace(first.next, log);
  const schedule = createSchedule({
    ...options.scheduled,
    onFault: (error) => log.error({ err: error }, "a fault of the gateway"),
  });
  schedule.follow(first.next.generation);
  let refusals = refusalsOf(first.next, first.problems);
  logRefusals(log, refusals);

  const reloads = oneAtATime(async () => {
    const { next, problems, watched } = await loadFiles(loading, inService.current);
    if (next !== null) {
      if (next.generation !== inService.current.generation) {
        keepHealth(inService.current.generation, next.generation);
      }
      inService.put(next);
      schedule.follow(next.generation);
    }
    const now = refusalsOf(inService.current, problems);
    if (JSON.stringify(now) !== JSON.stringify(refusals)) logRefusals(log, now);
    refusals = now;
    onReload(now.config.length + now.plugins.length > 0 ? "refused" : "applied");
    await watcher.update(watched);
  });
  const watcher = watchFiles(first.watched, reloads.run, {
    onError: (error) => log.error({ err: error }, "the files could not be reloaded"),
  });
  await watcher.ready;
  // What changed between the first look and the watcher's.
  await reloads.run();

  return {
    get current() {
      return inService.current.generation;
    },
    get refusals() {
      return refusals;
    },
    get files() {
      return inService.current;
    },
    nextRun: schedule.next,
    reload: reloads.run,
    async close() {
      await watcher.close();
      await reloads.end();
      await schedule.close();
      await inService.close();
      await stores.close();
    },
  };
}

/** Where the generation of the next request stands. Those that stood there before end with their last request. */
function createPlace(first: LoadedGeneration, log: Log) {
  let current = first;
  const retiring = new Set<Promise<void>>();
  return {
    get current() {
      return current;
    },
    put(next: LoadedGeneration): void {
      const { generation } = current;
      current = next;
      if (next.generation === generation) return;
      log.info({ plugins: [...next.plugins.plugins.keys()] }, "config and plugins reloaded");
      const retired = generation
        .retire()
        .catch((error: unknown) => log.error({ err: error }, "a retired generation could not be closed"))
        .finally(() => retiring.delete(retired));
      retiring.add(retired);
    },
    async close(): Promise<void> {
      await Promise.all([...retiring, current.generation.retire()]);
    },
  };
}

/** A run begins when those before it are over, however they ended. After `end`, which waits for them, none does. */
function oneAtATime(work: () => Promise<void>) {
  let queue: Promise<void> = Promise.resolve();
  let ended = false;
  const next = async () => {
    if (!ended) await work();
  };
  return {
    run(): Promise<void> {
      queue = queue.then(next, next);
      return queue;
    },
    async end(): Promise<void> {
      ended = true;
      // Whoever asked for it has heard how it ended.
      await queue.catch(() => {});
    },
  };
}

function refusalsOf({ plugins }: LoadedGeneration, problems: readonly LocatedProblem[]): Refusals {
  return { config: problems.map(printProblem), plugins: plugins.refused };
}

function logRefusals(log: Log, { config, plugins }: Refusals): void {
  for (const problem of config)
    log.error({ problem }, "the config is refused; the last good one stays in service");
  for (const { file, reason, kept } of plugins) log.error({ file, reason, kept }, "a plugin file is refused");
}

function logStore(log: Log, file: string, error: string | null): void {
  if (error === null) log.info({ file }, "the store is written again");
  else log.error({ file, error }, "the store cannot be written; what changes now ends with the process");
}
