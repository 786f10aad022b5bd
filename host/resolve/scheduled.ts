import { cronProblem } from "#config/cron.ts";
import type { GatewayConfig } from "#config/schema.ts";
import type { Manifest, ScheduleDeclaration } from "#sdk/abi/manifest.ts";
import type { Binding } from "./binding.ts";
import { originOf } from "./origin.ts";

/** When a hook runs: so long apart, or at the times of a cron line. */
export type Rhythm = { readonly every: string } | { readonly cron: string; readonly timezone: string };

/** The `schedule` hook of a binding, ready to be called. Part of no plan. */
export type ScheduledStep = {
  /** The binding's: the key of its pool. */
  readonly key: string;
  readonly binding: Binding;
  readonly hook: "schedule";
  readonly stage: "schedule";
  readonly rhythm: Rhythm;
  /** `observe`: what it asks for is recorded and not done. */
  readonly effect: "enforce" | "observe";
  readonly reads: NonNullable<ScheduleDeclaration["reads"]>;
  readonly writes: ReadonlySet<string>;
};

/** Null for a binding whose plugin has no such hook. */
export function scheduledStepOf(binding: Binding, { hooks }: Manifest): ScheduledStep | null {
  const hook = hooks.schedule;
  const rhythm = hook === undefined ? null : rhythmOf(binding.declared.schedule ?? hook);
  if (hook === undefined || rhythm === null) return null;
  return Object.freeze({
    key: binding.key,
    binding,
    hook: "schedule",
    stage: "schedule",
    rhythm,
    effect: binding.declared.effect ?? "enforce",
    reads: Object.freeze([...(hook.reads ?? [])]),
    writes: new Set(hook.writes),
  });
}

type Declared = { readonly every?: string; readonly cron?: string; readonly timezone?: string };

function rhythmOf({ every, cron, timezone = "UTC" }: Declared): Rhythm | null {
  if (every !== undefined) return Object.freeze({ every });
  return cron === undefined ? null : Object.freeze({ cron, timezone });
}

/**
 * The services whose targets a binding sees and says the health of: one of a service that, one at the gateway all that bind
 * nothing under its id. Others none: their service has requests of other routes and consumers too.
 */
export function scheduledServices({ level, owner, id }: Binding, { services }: GatewayConfig): string[] {
  if (level === "service") return owner === null ? [] : [owner];
  if (level !== "gateway") return [];
  return Object.entries(services)
    .filter(([, { use = [] }]) => !use.some((one) => (one.id ?? one.plugin) === id))
    .map(([name]) => name);
}

/** A `schedule` without a hook that it could be for, and a hook whose manifest names no time that there is. */
export function findScheduleProblems(
  bindings: readonly Binding[],
  manifests: ReadonlyMap<string, Manifest>,
): { readonly path: Binding["path"]; readonly message: string }[] {
  return bindings.flatMap((binding) => {
    const { plugin, declared } = binding;
    const hook = manifests.get(plugin)?.hooks.schedule;
    const path = originOf(binding, ["schedule"]);
    if (hook === undefined) {
      const message = `the plugin "${plugin}" has no hook that runs from time to time`;
      return declared.schedule === undefined ? [] : [{ path, message }];
    }
    if (declared.schedule !== undefined || hook.cron === undefined) return [];
    const problem = cronProblem(hook.cron);
    if (problem === null) return [];
    const message = `the cron line "${hook.cron}" in the manifest of "${plugin}" cannot be used: ${problem}; say schedule: { cron: … } or { every: … } here`;
    return [{ path, message }];
  });
}
