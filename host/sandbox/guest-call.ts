import { performance } from "node:perf_hooks";
import type { HostCall } from "#host/capabilities/capability.ts";
import { callLimits } from "#host/limits.ts";
import type { FuelGauge } from "./fuel-gauge.ts";
import { bytesPerFuel, hostCallFuel } from "./host-cost.ts";
import type { Kernel } from "./kernel.ts";
import type { LogLines } from "./log-lines.ts";
import type { Outcome } from "./outcome.ts";
import type { CpuLane, Waiting } from "./scheduler.ts";

export type CallOptions = {
  /** Units for the whole call. */
  readonly fuel: number;
  /** Wall time for the whole call, waiting for the CPU and for host functions included. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly requestId?: string | undefined;
};

export type Ending = { readonly outcome: Exclude<Outcome, "ok">; readonly error: string };

/** One call while it runs: what host functions see of it (`HostCall`), and what stops it. */
export type GuestCall = HostCall & {
  /** Wall clock at the start, ms since 1970: the only time the plugin ever sees. */
  readonly clockMs: number;
  readonly lines: LogLines;
  /** How the host ended the call; null while the plugin decides. */
  readonly ending: Ending | null;
  /** Counts one host call. False when the call is over or its count is used up. */
  admit(): boolean;
  /** Pays for copying `bytes`; false when the fuel is spent, which ends the call. */
  pay(bytes: number): boolean;
  /** Ends the call: the plugin traps at its next check, host functions answer nothing from here on. */
  end(ending: Ending): void;
  endByFuel(): void;
  /** Ends the call when its time is over. */
  checkTime(): void;
  /** Starts or resumes on the CPU; null when it may run on at once. */
  enter(): Promise<void> | null;
  /** After a slice: lets others have the CPU; null when it may run on at once. */
  yield(): Promise<void> | null;
  /** Leaves the CPU. */
  pause(): void;
  /** The value of a host promise, back on the CPU; 0n when the call ended before or the promise failed. */
  hostValue(promise: Promise<bigint>, name: string): Promise<bigint>;
  /** The plugin has returned or trapped: nothing of the call may act any more. */
  close(): void;
};

type Machine = { readonly gauge: FuelGauge; readonly kernel: Kernel; readonly lane: CpuLane };

const longestTimerMs = 2 ** 31 - 1;
const nothing = new Uint8Array(0);
const utf8 = new TextDecoder();

export function createGuestCall(machine: Machine, options: CallOptions, lines: LogLines): GuestCall {
  const { gauge, kernel, lane } = machine;
  const deadlineAt = performance.now() + options.deadlineMs;
  let ending: Ending | null = null;
  let closed = false;
  let running = false;
  let hasRun = false;
  let hostCalls = 0;
  let controller: AbortController | null = null;
  let timer: NodeJS.Timeout | null = null;
  /** Settles what the plugin is suspended on. */
  let wake: (() => void) | null = null;

  function end(how: Ending): void {
    if (ending !== null || closed) return;
    ending = how;
    // By trap, never by throw: a plugin can catch an exception, but not `unreachable`.
    gauge.stop();
    controller?.abort();
    wake?.();
  }

  const endByDeadline = () =>
    end({ outcome: "deadline", error: `not done after ${Math.ceil(options.deadlineMs)} ms` });
  const endByFuel = () => end({ outcome: "fuel", error: `more than ${options.fuel} units of fuel` });
  const endByCaller = () => end({ outcome: "deadline", error: "ended by the caller" });

  /** Only a suspended call needs a timer: while wasm runs no timer could fire. */
  function watch(): void {
    if (timer !== null) return;
    const left = Math.max(0, Math.ceil(deadlineAt - performance.now()));
    timer = setTimeout(endByDeadline, Math.min(left, longestTimerMs));
    options.signal?.addEventListener("abort", endByCaller, { once: true });
    if (options.signal?.aborted) endByCaller();
  }

  async function waitFor(waiting: Waiting): Promise<void> {
    wake = waiting.leave;
    watch();
    await waiting.turn;
    wake = null;
    running = ending === null;
  }

  function enter(): Promise<void> | null {
    const waiting = lane.enter(!hasRun);
    hasRun = true;
    return runAfter(waiting);
  }

  function runAfter(waiting: Waiting | null): Promise<void> | null {
    running = waiting === null;
    return waiting === null ? null : waitFor(waiting);
  }

  function pause(): void {
    if (running) lane.pause();
    running = false;
  }

  function pay(bytes: number): boolean {
    if (gauge.charge(Math.ceil(bytes / bytesPerFuel))) return true;
    endByFuel();
    return false;
  }

  function readFirst(offset: bigint, limit: number): Uint8Array {
    const over = closed || ending !== null;
    return over || !pay(Math.min(kernel.lengthOf(offset), limit)) ? nothing : kernel.read(offset, limit);
  }

  function read(offset: bigint, limit: number): Uint8Array {
    const length = kernel.lengthOf(offset);
    if (length <= limit) return readFirst(offset, limit);
    end({
      outcome: "memory",
      error: `a block of ${length} bytes for a host function; the limit is ${limit}`,
    });
    return nothing;
  }

  return {
    clockMs: Date.now(),
    requestId: options.requestId ?? null,
    lines,
    log: (level, text) => {
      if (!closed && ending === null) lines.write(level, text);
    },
    get ending() {
      return ending;
    },
    get signal() {
      controller ??= new AbortController();
      if (closed || ending !== null) controller.abort();
      return controller.signal;
    },
    readFirst,
    read: (offset) => read(offset, callLimits.hostReadBytes),
    readText: (offset) => utf8.decode(read(offset, callLimits.hostTextBytes)),
    write(content) {
      if (closed || ending !== null || !pay(content.length)) return 0n;
      return BigInt(kernel.put(content));
    },
    admit() {
      if (closed || ending !== null) return false;
      if (++hostCalls > callLimits.hostCalls) {
        end({ outcome: "fuel", error: `more than ${callLimits.hostCalls} host calls` });
        return false;
      }
      return pay(hostCallFuel * bytesPerFuel);
    },
    pay,
    end,
    endByFuel,
    checkTime() {
      if (performance.now() >= deadlineAt) endByDeadline();
    },
    enter,
    yield: () => runAfter(lane.yield()),
    pause,
    async hostValue(promise, name) {
      pause();
      watch();
      const value = await new Promise<bigint>((resolve) => {
        wake = () => resolve(0n);
        promise.then(resolve, (reason: unknown) => {
          end({ outcome: "error", error: `${name} failed: ${String(reason)}` });
          resolve(0n);
        });
        if (ending !== null) resolve(0n);
      });
      wake = null;
      if (ending === null) await enter();
      return ending === null ? value : 0n;
    },
    close() {
      pause();
      closed = true;
      controller?.abort();
      if (timer === null) return;
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", endByCaller);
    },
  };
}
