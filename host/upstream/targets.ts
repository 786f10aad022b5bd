import { targetLimits } from "#host/limits.ts";

/** One target of a service, as plugins and operators see it. */
export type TargetInfo = { readonly url: string; readonly healthy: boolean };

/** What an attempt asks for. */
export type TargetWish = {
  /** A target by its key, or by its URL as the config has it. */
  readonly prefer?: string | null;
  /** Keys of those that it would rather not have again, the one that was asked last at the end. */
  readonly avoid?: ReadonlySet<string>;
};

export type PickedEntry<Target> = {
  /** No other target of the service has it; two may well have one URL, each with a key of its own. */
  readonly key: string;
  readonly target: Target;
  /** An exchange with it went well or failed. */
  report(ok: boolean): void;
};

/** The targets of one service, and who is next. */
export type Targets<Target> = {
  /** By weight, of those that are healthy, or of all when none is; null when there are none at all. */
  pick(wish: TargetWish): PickedEntry<Target> | null;
  /** What a probe found: holds until the next probe, or an exchange that goes well. False when there is no such target. */
  mark(url: string, healthy: boolean): boolean;
  /** The URLs about which a probe has found that they do not work, and nothing better is known since. */
  failedProbes(): readonly string[];
  list(): readonly TargetInfo[];
};

type Entry<Target> = {
  readonly target: Target;
  readonly key: string;
  readonly url: string;
  readonly weight: number;
  /** Of smooth weighted round robin. */
  credit: number;
  failures: number;
  /** Not asked before this moment. */
  restsUntilMs: number;
  probedUnhealthy: boolean;
};

/**
 * Smooth weighted round robin over the healthy ones (as nginx does it: every pick gives each its weight, the one with the
 * most pays the sum). A target that fails several times in a row rests, each time twice as long.
 * @param now milliseconds
 */
export function createTargets<Target extends { readonly url: string; readonly weight: number }>(
  targets: readonly Target[],
  now: () => number,
): Targets<Target> {
  const entries: readonly Entry<Target>[] = targets.map((target, index) => ({
    target,
    key: `${target.url}#${index}`,
    url: target.url,
    weight: target.weight,
    credit: 0,
    failures: 0,
    restsUntilMs: 0,
    probedUnhealthy: false,
  }));
  const isResting = ({ restsUntilMs }: Entry<Target>) => restsUntilMs > now();
  const isHealthy = (entry: Entry<Target>) => !entry.probedUnhealthy && !isResting(entry);

  function choose({ prefer = null, avoid = none }: TargetWish): Entry<Target> | undefined {
    const preferred = entries.filter(({ key, url }) => key === prefer || url === prefer);
    const wanted = preferred.length > 0 ? preferred : entries;
    const healthy = wanted.filter(isHealthy);
    const able = healthy.length > 0 ? healthy : wanted;
    const fresh = able.filter(({ key }) => !avoid.has(key));
    if (fresh.length > 0) return byWeight(fresh);
    // All have been asked: the one whose turn is longest ago.
    return [...avoid].flatMap((key) => able.filter((entry) => entry.key === key))[0];
  }

  function report(entry: Entry<Target>, ok: boolean): void {
    if (ok) {
      Object.assign(entry, restored);
      return;
    }
    // Requests that were on their way when it began to rest say nothing new.
    if (isResting(entry)) return;
    entry.failures += 1;
    const times = entry.failures - targetLimits.failures;
    if (times < 0) return;
    entry.restsUntilMs = now() + Math.min(targetLimits.firstRestMs * 2 ** times, targetLimits.longestRestMs);
  }

  return {
    pick(wish) {
      const entry = choose(wish);
      if (entry === undefined) return null;
      return { key: entry.key, target: entry.target, report: (ok) => report(entry, ok) };
    },
    mark(url, healthy) {
      const marked = entries.filter((entry) => entry.url === url);
      for (const entry of marked) Object.assign(entry, healthy ? restored : { probedUnhealthy: true });
      return marked.length > 0;
    },
    failedProbes() {
      const working = new Set(entries.filter((entry) => !entry.probedUnhealthy).map(({ url }) => url));
      return [...new Set(entries.map(({ url }) => url))].filter((url) => !working.has(url));
    },
    list: () => entries.map((entry) => ({ url: entry.url, healthy: isHealthy(entry) })),
  };
}

const none: ReadonlySet<string> = new Set();
const restored = { failures: 0, restsUntilMs: 0, probedUnhealthy: false } as const;

function byWeight<Target>(entries: readonly Entry<Target>[]): Entry<Target> | undefined {
  for (const entry of entries) entry.credit += entry.weight;
  const [best] = entries.toSorted((a, b) => b.credit - a.credit);
  if (best !== undefined) best.credit -= entries.reduce((sum, { weight }) => sum + weight, 0);
  return best;
}
