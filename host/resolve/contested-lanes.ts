import { partOf, type Step } from "./step.ts";
import { exclusiveWrites, wholeOf } from "./writes.ts";

/** A part of the plan and a priority: only steps of one lane can be in one batch. */
export function laneOf(step: Step): string {
  return `${partOf(step)} ${step.priority}`;
}

/** Lanes in which parallel steps of two ids write one field, wherever they are bound. */
export function findContestedLanes(steps: readonly Step[]): ReadonlySet<string> {
  const lanes = new Map<string, Step[]>();
  for (const step of steps) {
    if (step.mode === "sequential") continue;
    const lane = lanes.get(laneOf(step));
    if (lane === undefined) lanes.set(laneOf(step), [step]);
    else lane.push(step);
  }
  return new Set([...lanes].filter(([, parallel]) => isContested(parallel)).map(([lane]) => lane));
}

function isContested(parallel: readonly Step[]): boolean {
  const writers = new Map<string, Set<string>>();
  const partWriters = new Map<string, Set<string>>();
  for (const step of parallel) {
    for (const field of exclusiveWrites(step)) {
      const whole = wholeOf(field);
      add(writers, field, step.binding.id);
      if (whole !== undefined) add(partWriters, whole, step.binding.id);
    }
  }
  return [...writers].some(([field, ids]) => ids.union(partWriters.get(field) ?? new Set()).size > 1);
}

function add(sets: Map<string, Set<string>>, key: string, id: string): void {
  const ids = sets.get(key);
  if (ids === undefined) sets.set(key, new Set([id]));
  else ids.add(id);
}
