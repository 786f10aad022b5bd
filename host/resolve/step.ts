import { type StageHook, stageHooks } from "#sdk/abi/hooks.ts";
import type { HookDeclaration, Manifest } from "#sdk/abi/manifest.ts";
import { type Binding, levels } from "./binding.ts";
import { isAuthenticator } from "./identify.ts";
import { type Condition, compileWhen } from "./when.ts";

/** One hook of one binding, ready to be called. The same object in every plan it is part of. */
export type Step = {
  /** The binding's: the key of its pool. */
  readonly key: string;
  readonly binding: Binding;
  readonly manifest: Manifest;
  readonly hook: StageHook;
  readonly stage: "pre-request" | "post-request" | "error";
  readonly priority: 1 | 2 | 3;
  /**
   * Always sequential for authenticators, of whom the first that identifies ends their turn, and for event steps, each of which
   * sees what the one before has left of an event.
   */
  readonly mode: "sequential" | "parallel";
  readonly onFailure: "closed" | "open";
  /** `observe`: what it asks for is recorded and not done. */
  readonly effect: "enforce" | "observe";
  /** Whether it runs for a request; null: for every one. One function for all steps of a binding. */
  readonly when: Condition | null;
  readonly reads: readonly string[];
  readonly writes: ReadonlySet<string>;
};

/** Steps that run at the same time and see the same input. Effects are applied in this order. */
export type Batch = readonly Step[];

/** The lists of a plan. */
export type PlanPart = "authenticators" | "preRequest" | "postRequest" | "events" | "completion" | "error";

const stages = {
  pre_request: "pre-request",
  post_request: "post-request",
  post_request_event: "post-request",
  error: "error",
} as const;

export function stepsOf(binding: Binding, manifest: Manifest): readonly Step[] {
  const bound = { binding, manifest, when: compileWhen(binding.declared.when, binding.id) };
  return stageHooks.flatMap((hook) => {
    const declaration = manifest.hooks[hook];
    return declaration === undefined ? [] : [createStep(bound, hook, declaration)];
  });
}

function createStep(
  { binding, manifest, when }: Pick<Step, "binding" | "manifest" | "when">,
  hook: StageHook,
  declaration: HookDeclaration,
): Step {
  const isAlone = hook === "post_request_event" || (hook === "pre_request" && isAuthenticator(manifest));
  return Object.freeze({
    key: binding.key,
    binding,
    manifest,
    hook,
    stage: stages[hook],
    priority: binding.declared.priority ?? declaration.priority ?? 2,
    mode: isAlone ? "sequential" : (binding.declared.mode ?? declaration.mode ?? "sequential"),
    onFailure: binding.declared.onFailure ?? manifest.failure ?? "closed",
    effect: binding.declared.effect ?? "enforce",
    when,
    reads: Object.freeze([...(declaration.reads ?? [])]),
    writes: new Set(declaration.writes),
  });
}

export function partOf(step: Step): PlanPart {
  switch (step.hook) {
    case "pre_request":
      return isAuthenticator(step.manifest) ? "authenticators" : "preRequest";
    case "post_request":
      return step.manifest.hooks.post_request?.at === "completion" ? "completion" : "postRequest";
    case "post_request_event":
      return "events";
    case "error":
      return "error";
    default:
      return step.hook satisfies never;
  }
}

/** Whether it may be left out. Who is calling is never optional: without its authenticator a request could only be refused. */
export function isOptional({
  priority,
  hook,
  manifest,
}: Pick<Step, "priority" | "hook" | "manifest">): boolean {
  return priority === 3 && !(hook === "pre_request" && isAuthenticator(manifest));
}

/** Priority, then order, then the general level first, then id. Total over the steps of one part of a plan. */
export function inOrder(steps: readonly Step[]): Step[] {
  return steps.toSorted(
    (a, b) =>
      a.priority - b.priority ||
      a.binding.order - b.binding.order ||
      levels.indexOf(a.binding.level) - levels.indexOf(b.binding.level) ||
      (a.binding.id < b.binding.id ? -1 : 1),
  );
}

/** Cuts ordered steps into batches: parallel neighbours of one priority together, every other step alone. */
export function toBatches(ordered: readonly Step[]): readonly Batch[] {
  const batches: Step[][] = [];
  for (const step of ordered) {
    const batch = batches.at(-1);
    const [first] = batch ?? [];
    const joins = step.mode === "parallel" && first?.mode === "parallel" && first.priority === step.priority;
    if (joins) batch?.push(step);
    else batches.push([step]);
  }
  return Object.freeze(batches.map((batch) => Object.freeze(batch)));
}
