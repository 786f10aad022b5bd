import { totalmem } from "node:os";
import { processLimits, sheddingLimits } from "#host/limits.ts";

const pageBytes = 65_536;

/** The process has no room for another plugin instance. */
export class InstanceBudgetSpent extends Error {
  constructor(message = `the process already holds ${processLimits.instances} plugin instances`) {
    super(message);
    this.name = "InstanceBudgetSpent";
  }
}

/** Whose calls are counted, and how many may run or be suspended at once. */
export type CallAccount = { readonly name: string; readonly calls: number };

/** What all pools of the process share: address space for instances, stacks for calls that may suspend. */
export type Capacity = {
  /** @throws InstanceBudgetSpent */
  takeInstance(): void;
  giveInstance(): void;
  /**
   * Counts a call of a tenant (null: the operator, whom only the process limits) until `giveCall`. Answers what is
   * used up, and then counts nothing; null when there was room.
   */
  takeCall(tenant: CallAccount | null): string | null;
  giveCall(tenant: CallAccount | null): void;
  /** Whether little is left of the calls that the process, or the tenant, may have. */
  isNearlyUsed(tenant: CallAccount | null): boolean;
  /** Counts pages (64 KiB) of plugins' and kernels' memories; false, and none counted, when there is no room for them. */
  takePages(pages: number): boolean;
  givePages(pages: number): void;
  readonly instances: number;
  readonly calls: number;
};

/** Of what the machine, or the container, has. */
const mostPages = Math.floor(
  (Math.min(process.constrainedMemory() || Infinity, totalmem()) * processLimits.memoryShare) / pageBytes,
);

function createCapacity(): Capacity {
  let instances = 0;
  let calls = 0;
  let pages = 0;
  const callsOf = new Map<string, number>();
  return {
    takeInstance() {
      if (instances >= processLimits.instances) throw new InstanceBudgetSpent();
      instances++;
    },
    giveInstance() {
      instances--;
    },
    takeCall(tenant) {
      if (calls >= processLimits.suspensions) return "too many calls of plugins run";
      if (tenant !== null) {
        const own = callsOf.get(tenant.name) ?? 0;
        if (own >= tenant.calls) return `${own} calls of the tenant ${tenant.name} run already`;
        callsOf.set(tenant.name, own + 1);
      }
      calls++;
      return null;
    },
    giveCall(tenant) {
      calls--;
      if (tenant === null) return;
      const left = (callsOf.get(tenant.name) ?? 0) - 1;
      if (left > 0) callsOf.set(tenant.name, left);
      else callsOf.delete(tenant.name);
    },
    isNearlyUsed(tenant) {
      const { usedShare } = sheddingLimits;
      if (calls >= processLimits.suspensions * usedShare) return true;
      return tenant !== null && (callsOf.get(tenant.name) ?? 0) >= tenant.calls * usedShare;
    },
    takePages(more) {
      if (pages + more > mostPages) return false;
      pages += more;
      return true;
    },
    givePages(fewer) {
      pages -= fewer;
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
