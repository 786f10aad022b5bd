import { performance } from "node:perf_hooks";
import { type CpuQuota, createCpuQuota } from "./cpu-quota.ts";
import { createFairQueue, type Owner } from "./fair-queue.ts";

/** Plugin CPU in one turn of the event loop; the rest of a turn belongs to sockets, timers and the host's own work. */
const turnMs = 2;

/** A call that waits for the CPU. */
export type Waiting = {
  /** Settles when the call may run. */
  readonly turn: Promise<void>;
  /** Gives the place up: settles `turn` at once, without counting as running. */
  leave(): void;
};

/** The calls of one binding at the scheduler. A call is *running* from `enter` (or the end of its wait) to `yield` or `pause`. */
export type CpuLane = {
  /** Asks for the CPU, at the start of a call (`fresh`) and after each suspension. Null: run on now. */
  enter(fresh: boolean): Waiting | null;
  /** The running call gives the CPU to whose turn it is, and asks for it again. Null: that is the call itself. */
  yield(): Waiting | null;
  /** The running call gives the CPU back: it ended, or waits for something else. */
  pause(): void;
  /** What the host did for the binding outside of its calls, milliseconds. */
  spend(ms: number): void;
};

export type CpuShare = {
  /** Beside another tenant of weight 1. */
  readonly weight: number;
  /** What is over it waits; 1000 is the whole thread, so that nothing ever does. */
  readonly cpuMsPerSecond: number;
};

/** Of plugins that belong to no tenant: a quota that is never used up. */
export const operatorShare: CpuShare = { weight: 1, cpuMsPerSecond: 1_000 };

/**
 * Decides who runs next: the tenant whose plugins used least CPU time for its weight, inside of a tenant its
 * bindings alike, inside of a binding those that run for the first time before those that used up a slice.
 */
export type Scheduler = {
  /** Null: the operator's own plugins. A tenant keeps its account over reloads, and has the share that was given last. */
  lane(tenant: string | null, share: CpuShare): CpuLane;
};

type Place = {
  state: "waiting" | "running" | "left";
  readonly run: () => void;
  readonly charge: (ms: number) => void;
};

type Tenant = { readonly owner: Owner<Place>; readonly quota: CpuQuota; isHeld: boolean };

/** A scheduler over the event loop of this thread. */
export function createScheduler(): Scheduler {
  const queue = createFairQueue<Place>();
  const tenants = new Map<string | null, Tenant>();
  let turnOpen = false;
  let usedMs = 0;
  let running: { readonly since: number; readonly charge: (ms: number) => void } | null = null;

  function openTurn(): void {
    if (turnOpen) return;
    turnOpen = true;
    usedMs = 0;
    // Only an immediate lets the poll and timer phases of the loop in between; promises alone starve them.
    setImmediate(closeTurn);
  }

  function closeTurn(): void {
    turnOpen = false;
    // No wasm runs between turns: whoever had the CPU has suspended, ended or was left for good.
    running = null;
    if (!queue.isEmpty) openTurn();
    runNext();
  }

  function runNext(): void {
    while (running === null && usedMs < turnMs) {
      const next = queue.next();
      if (next === null) return;
      if (next.state === "left") continue;
      next.state = "running";
      run(next.charge);
      next.run();
    }
  }

  function run(charge: (ms: number) => void): void {
    running = { since: performance.now(), charge };
  }

  function stop(): void {
    const stopped = running;
    running = null;
    stopped?.charge(performance.now() - stopped.since);
  }

  /** Does nothing while the quota has something left. */
  function holdUntilRefilled(tenant: Tenant): void {
    if (tenant.isHeld) return;
    const waitMs = tenant.quota.waitMs();
    if (waitMs === 0) return;
    tenant.isHeld = true;
    tenant.owner.hold(true);
    // Calls that wait have timers of their own, so this one need not keep the process.
    setTimeout(() => {
      tenant.isHeld = false;
      tenant.owner.hold(false);
      holdUntilRefilled(tenant);
      if (!queue.isEmpty) openTurn();
      runNext();
    }, waitMs).unref();
  }

  function openTenant(name: string | null, { weight, cpuMsPerSecond }: CpuShare): Tenant {
    const known = tenants.get(name);
    known?.owner.setWeight(weight);
    known?.quota.setRate(cpuMsPerSecond);
    if (known !== undefined) return known;
    const made: Tenant = {
      owner: queue.createOwner(weight),
      quota: createCpuQuota(cpuMsPerSecond, () => performance.now()),
      isHeld: false,
    };
    tenants.set(name, made);
    return made;
  }

  return {
    lane(name, share) {
      const tenant = openTenant(name, share);
      const lane = tenant.owner.createLane();
      const charge = (ms: number) => {
        usedMs += ms;
        lane.charge(ms);
        tenant.quota.spend(ms);
        holdUntilRefilled(tenant);
      };

      function enter(fresh: boolean): Waiting | null {
        openTurn();
        if (running === null && queue.isEmpty && !tenant.isHeld && usedMs < turnMs) {
          run(charge);
          return null;
        }
        const { promise, resolve } = Promise.withResolvers<void>();
        const place: Place = { state: "waiting", run: resolve, charge };
        lane.push(place, fresh);
        runNext();
        return {
          turn: promise,
          leave() {
            if (place.state !== "waiting") return;
            place.state = "left";
            resolve();
          },
        };
      }

      return {
        enter,
        yield() {
          stop();
          // Before the next one is chosen, so that it has a chance to be that one.
          return enter(false);
        },
        pause() {
          stop();
          runNext();
        },
        spend: charge,
      };
    },
  };
}

/** One per thread: the CPU that it shares out is the thread's. */
export const threadScheduler = createScheduler();
