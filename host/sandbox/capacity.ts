import { processLimits } from "#host/limits.ts";

/** The process has no room for another plugin instance. */
export class InstanceBudgetSpent extends Error {
  constructor(message = `the process already holds ${processLimits.instances} plugin instances`) {
    super(message);
    this.name = "InstanceBudgetSpent";
  }
}

/** What all pools of the process share: address space for instances, stacks for calls that may suspend. */
export type Capacity = {
  /** @throws InstanceBudgetSpent */
  takeInstance(): void;
  giveInstance(): void;
  /** False when as many calls run as the process may hold suspended. */
  takeCall(): boolean;
  giveCall(): void;
  readonly instances: number;
  readonly calls: number;
};

function createCapacity(): Capacity {
  let instances = 0;
  let calls = 0;
  return {
    takeInstance() {
      if (instances >= processLimits.instances) throw new InstanceBudgetSpent();
      instances++;
    },
    giveInstance() {
      instances--;
    },
    takeCall() {
      if (calls >= processLimits.suspensions) return false;
      calls++;
      return true;
    },
    giveCall() {
      calls--;
    },
    get instances() {
      return instances;
    },
    get calls() {
      return calls;
    },
  };
}

/** One per process: V8 counts memories and stacks per process. */
export const processCapacity = createCapacity();
