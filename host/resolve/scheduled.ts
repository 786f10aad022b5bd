import type { ScheduleConfig } from "#config/schema.ts";
import type { Manifest, ScheduleDeclaration } from "#sdk/abi/manifest.ts";
import type { Binding } from "./binding.ts";
import { originOf } from "./origin.ts";

/** The `schedule` hook of a binding, ready to be called. Part of no plan. */
export type ScheduledStep = {
  /** The binding's: the key of its pool. */
  readonly key: string;
  readonly binding: Binding;
  readonly hook: "schedule";
  readonly stage: "schedule";
  readonly every: string;
  /** `observe`: what it asks for is recorded and not done. */
  readonly effect: "enforce" | "observe";
  readonly reads: NonNullable<ScheduleDeclaration["reads"]>;
  readonly writes: ReadonlySet<string>;
};

/** Null for a binding whose plugin has no such hook, or none that `findScheduleProblems` lets pass. */
export function scheduledStepOf(binding: Binding, { hooks }: Manifest): ScheduledStep | null {
  const every = everyOf(binding, hooks.schedule);
  if (hooks.schedule === undefined || every === undefined) return null;
  return Object.freeze({
    key: binding.key,
    binding,
    hook: "schedule",
    stage: "schedule",
    every,
    effect: binding.declared.effect ?? "enforce",
    reads: Object.freeze([...(hooks.schedule.reads ?? [])]),
    writes: new Set(hooks.schedule.writes),
  });
}

function everyOf(
  { declared }: Binding,
  hook: ScheduleDeclaration | undefined,
): ScheduleConfig["every"] | undefined {
  return declared.schedule?.every ?? hook?.every;
}

/** A `schedule` without a hook that it could be for, and a hook whose turn nobody says. */
export function findScheduleProblems(
  bindings: readonly Binding[],
  manifests: ReadonlyMap<string, Manifest>,
): { readonly path: Binding["path"]; readonly message: string }[] {
  return bindings.flatMap((binding) => {
    const hook = manifests.get(binding.plugin)?.hooks.schedule;
    const path = originOf(binding, ["schedule"]);
    if (hook === undefined) {
      const message = `the plugin "${binding.plugin}" has no hook that runs from time to time`;
      return binding.declared.schedule === undefined ? [] : [{ path, message }];
    }
    const message = `the plugin "${binding.plugin}" runs by cron, which this gateway cannot: add schedule: { every: 1h }`;
    return everyOf(binding, hook) === undefined ? [{ path, message }] : [];
  });
}
