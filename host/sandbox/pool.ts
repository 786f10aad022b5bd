import { performance } from "node:perf_hooks";
import type { HostImport } from "#host/capabilities/capability.ts";
import { processLimits, sheddingLimits } from "#host/limits.ts";
import { type CallAccount, InstanceBudgetSpent, processCapacity } from "./capacity.ts";
import { messageOf, rejected } from "./classify.ts";
import { createTurnLine, type NoTurn } from "./cpu-turn.ts";
import type { Instance } from "./instance.ts";
import { resolveImports } from "./link.ts";
import type { LogLevel, LogSink } from "./log-lines.ts";
import { processLoopDelay } from "./loop-delay.ts";
import type { CallResult } from "./outcome.ts";
import type { Patience } from "./patience.ts";
import type { PreparedModule } from "./prepare.ts";
import { createProvision } from "./provision.ts";
import { type CpuShare, operatorShare, threadScheduler } from "./scheduler.ts";
import { createWaitingLine, NoRoom } from "./waiting-line.ts";

/** The owner of a binding, with its part of the process. */
export type Tenant = CallAccount & CpuShare;

export type PoolOptions = {
  /** For messages: the plugin or binding. */
  readonly name: string;
  /** JSON for the `configure` export; null skips it. */
  readonly config: string | null;
  /** What `config_get` finds; default: nothing. */
  readonly extismConfig?: Readonly<Record<string, string>>;
  /** `request`: every call starts from the state after `configure`; `instance`: state stays. */
  readonly state: "request" | "instance";
  readonly limits: {
    readonly fuel: number;
    readonly deadlineMs: number;
    /** A call that ends with, or at a slice has, more pages (64 KiB) than this ends as `memory`. */
    readonly memoryPages: number;
  };
  /** Who owns the binding; default: the operator, whom only the process limits. */
  readonly tenant?: Tenant;
  /** What the binding is granted, by `namespace.name`. */
  readonly imports: Readonly<Record<string, HostImport>>;
  readonly log: LogSink;
  /** What `get_log_level` answers, and the lowest level that is kept; default `trace`. */
  readonly logLevel?: LogLevel;
};

export type PoolCallOptions = {
  readonly signal?: AbortSignal | undefined;
  readonly requestId?: string | undefined;
  /** What the plugin's clock says, milliseconds since 1970; default: the time. */
  readonly nowMs?: number | undefined;
  /** Lowers the binding's own deadline, never raises it. */
  readonly deadlineMs?: number | undefined;
};

/** The instances of one binding. */
export type Pool = {
  /** Calls a hook on a free instance, or on the next that is. Never throws: every failure is an outcome. */
  call(hook: string, input: Uint8Array | string, options?: PoolCallOptions): Promise<CallResult>;
  /** Refuses what waits, lets running calls end for `graceMs`, then ends them. */
  close(graceMs?: number): Promise<void>;
  /** Whether a call that can be left out should be: soon, those that cannot would be refused. */
  readonly isCrowded: boolean;
  readonly size: { readonly instances: number; readonly idle: number; readonly queued: number };
};

const defaultGraceMs = 5_000;
const trimEveryMs = 10_000;

/**
 * Starts a binding: instantiates, runs initializers and `configure`, keeps the state after them.
 * @throws Rejected (an import does not exist for this binding), ConfigureRefused, InstanceBudgetSpent
 */
export async function createPool(prepared: PreparedModule, options: PoolOptions): Promise<Pool> {
  const { name, limits, state, tenant = null } = options;
  const lane = threadScheduler.lane(tenant?.name ?? null, tenant ?? operatorShare);
  const provision = createProvision({
    prepared,
    functions: resolveImports(prepared, options.imports),
    config: options.extismConfig ?? {},
    configure: options.config,
    limits,
    memoryPages: limits.memoryPages,
    log: options.log,
    logLevel: options.logLevel ?? "trace",
    lane,
  });
  const unloaded = `${name} is being unloaded`;
  const overloaded = `${name} is overloaded: ${processLimits.queuedCallsPerBinding} calls wait already`;
  const line = createWaitingLine<Instance>(processLimits.queuedCallsPerBinding, overloaded);
  const turns = createTurnLine();
  /** Ready for a call. */
  const startedAt = performance.now();
  const idle: Instance[] = [await provision.create()];
  /** Ended a call and not restored yet. */
  const used: Instance[] = [];
  const running = new Map<Instance, Promise<CallResult>>();
  let total = 1;
  let closed = false;
  let creationMs = performance.now() - startedAt;
  let leastIdle = 1;
  let trimmer: NodeJS.Timeout | null = null;

  async function grow(): Promise<Instance> {
    total++;
    const from = performance.now();
    try {
      const instance = await provision.create();
      // Others may have run meanwhile, so the quickest time is the best known.
      creationMs = Math.min(creationMs, performance.now() - from);
      lane.spend(creationMs);
      return instance;
    } catch (thrown) {
      total--;
      // Nobody is left who could give an instance back.
      if (total === 0) line.dismiss(messageOf(thrown));
      throw thrown;
    }
  }

  function retire(instance: Instance): void {
    instance.dispose();
    total--;
    if (!closed && line.length > 0) line.serve(grow());
  }

  /** True when the instance is as after `configure`, or keeps its state by the operator's choice. */
  function renew(instance: Instance): boolean {
    if (!instance.alive) return false;
    if (state === "instance") return true;
    return provision.snapshot !== null && instance.restore(provision.snapshot);
  }

  /** The same outside of a call, for which the binding pays too. */
  function renewBetween(instance: Instance): boolean {
    const from = performance.now();
    const isRenewed = renew(instance);
    lane.spend(performance.now() - from);
    return isRenewed;
  }

  /** For a call on the CPU: the one that ran last, of whose memory the most is still in the cache. */
  function take(): Instance | null {
    for (let next = used.pop(); next !== undefined; next = used.pop()) {
      if (renew(next)) return next;
      retire(next);
    }
    const ready = idle.pop() ?? null;
    leastIdle = Math.min(leastIdle, idle.length);
    return ready;
  }

  /** Restoring costs microseconds that the answer need not wait for. */
  function giveBack(instance: Instance): void {
    running.delete(instance);
    if (closed || !instance.alive) retire(instance);
    else if (line.length === 0) {
      if (used.push(instance) === 1) setImmediate(renewUsed);
    } else if (renewBetween(instance)) line.serve(instance);
    else retire(instance);
  }

  function renewUsed(): void {
    for (const instance of used.splice(0)) {
      if (!closed && renewBetween(instance)) idle.push(instance);
      else retire(instance);
    }
    if (idle.length > 1) trimmer ??= setTimeout(trim, trimEveryMs).unref();
    // Where state cannot be put back every call needs a new instance: have one ready.
    if (idle.length === 0 && total === 0 && !closed) grow().then(keepReady, ignoreUntilNextCall);
  }

  function keepReady(instance: Instance): void {
    if (closed) retire(instance);
    else if (line.length > 0) line.serve(instance);
    else idle.push(instance);
  }

  /** Lets go of the instances that nobody needed since the last time, all but one. */
  function trim(): void {
    trimmer = null;
    for (const instance of idle.splice(0, Math.min(leastIdle, idle.length - 1))) retire(instance);
    leastIdle = idle.length;
    if (idle.length > 1) trimmer = setTimeout(trim, trimEveryMs).unref();
  }

  const queued = () => line.length + turns.length;

  async function acquire(patience: Patience): Promise<Instance> {
    if (total < processLimits.instancesPerBinding) return grow();
    return line.join(patience);
  }

  return {
    get size() {
      return { instances: total, idle: idle.length + used.length, queued: queued() };
    },
    get isCrowded() {
      const mostQueued = processLimits.queuedCallsPerBinding * sheddingLimits.usedShare;
      return queued() >= mostQueued || processCapacity.isNearlyUsed(tenant) || processLoopDelay.isHigh;
    },
    async call(hook, input, { signal, requestId, nowMs, deadlineMs = limits.deadlineMs } = {}) {
      if (closed) return rejected(unloaded);
      if (queued() >= processLimits.queuedCallsPerBinding) return overload(overloaded);
      const mostMs = Math.min(deadlineMs, limits.deadlineMs);
      const untilMs = performance.now() + mostMs;
      // First the CPU and then an instance: calls that wait with one each would keep as many memories out of the cache.
      const waiting = lane.enter(true);
      const noTurn = waiting === null ? null : await turns.wait(waiting, { untilMs, signal });
      if (noTurn !== null) return noTurn === "dismissed" ? rejected(unloaded) : lateFor(noTurn, mostMs);
      let instance = closed ? null : take();
      const onCpu = instance !== null;
      if (instance === null) {
        lane.pause();
        if (closed) return rejected(unloaded);
        try {
          instance = await acquire({ untilMs, signal });
        } catch (thrown) {
          return notTaken(thrown);
        }
      }
      const usedUp = closed ? null : processCapacity.takeCall(tenant);
      if (closed || usedUp !== null) {
        if (onCpu) lane.pause();
        giveBack(instance);
        return usedUp === null ? rejected(unloaded) : overload(`${name}: ${usedUp}`);
      }
      const left = Math.max(0, untilMs - performance.now());
      const settings = { fuel: limits.fuel, deadlineMs: left, signal, requestId, nowMs, onCpu };
      const call = instance.call(hook, input, settings);
      running.set(instance, call);
      try {
        return await call;
      } finally {
        processCapacity.giveCall(tenant);
        giveBack(instance);
      }
    },
    async close(graceMs = defaultGraceMs) {
      closed = true;
      clearTimeout(trimmer ?? undefined);
      line.dismiss(unloaded);
      turns.dismiss();
      for (const instance of [...idle.splice(0), ...used.splice(0)]) retire(instance);
      const ended = Promise.all(running.values());
      const grace = Promise.withResolvers<void>();
      const timer = setTimeout(grace.resolve, graceMs);
      await Promise.race([ended, grace.promise]);
      clearTimeout(timer);
      for (const instance of running.keys()) instance.dispose();
      await ended;
    },
  };
}

/** As a call that ended while it waited inside of an instance. */
function lateFor(noTurn: Exclude<NoTurn, "dismissed">, mostMs: number): CallResult {
  const error = noTurn === "caller" ? "ended by the caller" : `not done after ${Math.ceil(mostMs)} ms`;
  return { ...rejected(error), outcome: "deadline" };
}

function notTaken(thrown: unknown): CallResult {
  const isOverload = thrown instanceof NoRoom || thrown instanceof InstanceBudgetSpent;
  return isOverload ? overload(messageOf(thrown)) : rejected(messageOf(thrown));
}

function overload(error: string): CallResult {
  return { ...rejected(error), overloaded: true };
}

/** The next call will try again and report what is wrong. */
function ignoreUntilNextCall(): void {}
