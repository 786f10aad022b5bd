import { randomUUID } from "node:crypto";
import { performance } from "node:perf_hooks";
import type { ScheduledStep } from "#host/resolve/scheduled.ts";
import type { Effect } from "#sdk/abi/effects.ts";
import type { Generation } from "./generation.ts";
import { countKinds } from "./pipeline/effect-names.ts";
import { type CallReport, callStep } from "./pipeline/run-stage.ts";
import { StepFailure } from "./pipeline/step-failure.ts";
import { readMarks, setMarks, upstreamsOf } from "./probed-health.ts";
import { type Clock, createTurns, type Turns } from "./turns.ts";
import type { Upstream } from "./upstream/forward.ts";

/** Who is told of the runs. */
export type ScheduleObserver = {
  run(report: CallReport & { readonly effects: readonly Effect[] }): void;
  /** A run that was left out: the one before has not ended. */
  skip(skip: { readonly step: ScheduledStep; readonly reason: "overlap" }): void;
  onFault(fault: unknown): void;
};

/** Calls the `schedule` hooks of a gateway's plugins. */
export type Schedule = {
  /** From here on, those of this generation. One that is as it was keeps its rhythm. */
  follow(generation: Generation): void;
  /** When the hook of a binding runs next; null when nobody knows. */
  next(binding: string): Date | null;
  /** Ends what runs. */
  close(): Promise<void>;
};

type Task = {
  generation: Generation;
  step: ScheduledStep;
  readonly turns: Turns;
  timer: NodeJS.Timeout | undefined;
  running: Promise<void> | null;
};

const clock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  random: () => Math.random(),
};

export function createSchedule(observer: ScheduleObserver): Schedule {
  const tasks = new Map<string, Task>();
  const runs = new Set<Promise<void>>();
  const closing = new AbortController();

  function begin(generation: Generation, step: ScheduledStep): Task {
    const turns = createTurns(step.rhythm, clock);
    const task: Task = { generation, step, turns, timer: undefined, running: null };
    wait(task);
    return task;
  }

  function wait(task: Task): void {
    const sleepMs = task.turns.sleepMs();
    if (sleepMs !== null) task.timer = setTimeout(() => wake(task), sleepMs).unref();
  }

  function wake(task: Task): void {
    const isDue = task.turns.take();
    wait(task);
    if (!isDue) return;
    if (task.running !== null) {
      observer.skip({ step: task.step, reason: "overlap" });
      return;
    }
    const run = runOnce(task, closing.signal, observer)
      .catch(observer.onFault)
      .finally(() => {
        runs.delete(run);
        task.running = null;
      });
    task.running = run;
    runs.add(run);
  }

  return {
    follow(generation) {
      const scheduled = new Map(generation.resolver.scheduled.map((step) => [identityOf(step), step]));
      for (const [identity, task] of tasks) {
        if (scheduled.has(identity)) continue;
        clearTimeout(task.timer);
        tasks.delete(identity);
      }
      for (const [identity, step] of scheduled) {
        const task = tasks.get(identity);
        if (task === undefined) tasks.set(identity, begin(generation, step));
        else Object.assign(task, { generation, step });
      }
    },
    next(binding) {
      const task = tasks.values().find(({ step }) => step.key === binding);
      return task?.turns.next() ?? null;
    },
    async close() {
      for (const { timer } of tasks.values()) clearTimeout(timer);
      tasks.clear();
      closing.abort();
      await Promise.all(runs);
    },
  };
}

/** What a binding has in common with itself after a change of the config: its place in a list is no part of it. */
function identityOf({ binding, rhythm }: ScheduledStep): string {
  const owners = binding.sources.map(({ level, owner }) => [level, owner]);
  return JSON.stringify([owners, binding.id, binding.plugin, rhythm]);
}

async function runOnce(task: Task, signal: AbortSignal, observer: ScheduleObserver): Promise<void> {
  const { generation, step } = task;
  const leave = generation.enter();
  try {
    const id = randomUUID();
    const upstreams = upstreamsOf(step, generation);
    const { bindings } = generation;
    const end = await callStep(step, () => inputOf(step, upstreams), { exchange: { id }, bindings, signal });
    if (signal.aborted) return;
    const { found, durationUs, fuelUsed } = end;
    const about = { step, requestId: id, durationUs, fuelUsed, calls: 1, observed: {} };
    try {
      if (found instanceof StepFailure) throw found;
      const isObserving = step.effect === "observe";
      const marks = readMarks(found, upstreams);
      // What has come into service meanwhile has to know too.
      const now = upstreamsOf(task.step, task.generation);
      if (!isObserving) setMarks(marks, new Set([...upstreams, ...now]));
      const observed = isObserving ? countKinds(found) : {};
      observer.run({ ...about, outcome: "ok", error: null, skipped: false, effects: found, observed });
    } catch (thrown) {
      if (!(thrown instanceof StepFailure)) throw thrown;
      const { outcome, message } = thrown;
      observer.run({ ...about, outcome, error: message, skipped: true, effects: [] });
    }
  } finally {
    leave();
  }
}

function inputOf({ binding, stage, reads }: ScheduledStep, upstreams: readonly Upstream[]): string {
  const context = {
    service: binding.level === "service" ? binding.owner : undefined,
    targets: upstreams.flatMap((upstream) => upstream.targets()),
    tenant: binding.tenant ?? undefined,
  };
  const shown = reads.map((read) => {
    const member = read.slice("context.".length) as keyof typeof context;
    return [member, context[member]] as const;
  });
  return JSON.stringify({ stage, ...(reads.length === 0 ? {} : { context: Object.fromEntries(shown) }) });
}
