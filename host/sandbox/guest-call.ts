import { performance } from "node:perf_hooks";
import type { HostCall } from "#host/capabilities/capability.ts";
import { callLimits } from "#host/limits.ts";
import type { FuelGauge } from "./fuel-gauge.ts";
import { bytesPerFuel, fuelPerMicrosecond, hostCallFuel } from "./host-cost.ts";
import type { Kernel } from "./kernel.ts";
import type { LogLines } from "./log-lines.ts";
import type { Outcome } from "./outcome.ts";
import { watchPatience } from "./patience.ts";
import type { CpuLane, Waiting } from "./scheduler.ts";

export type CallOptions = {
  /** Units for the whole call. */
  readonly fuel: number;
  /** Wall time for the whole call, waiting for the CPU and for host functions included. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly requestId?: string | undefined;
  /** What the plugin's clock says, milliseconds since 1970; default: the time when the call begins. */
  readonly nowMs?: number | undefined;
  /** Whether the call is running at the scheduler already; default: it asks for the CPU. */
  readonly onCpu?: boolean;
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

const nothing = new Uint8Array(0);
const utf8 = new TextDecoder();

/** One is made for every call of a plugin, and methods on a prototype cost nothing then, as closures do. */
class RunningCall implements GuestCall {
  readonly clockMs: number;
  readonly requestId: string | null;
  readonly lines: LogLines;
  readonly #machine: Machine;
  readonly #options: CallOptions;
  readonly #deadlineAt: number;
  #ending: Ending | null = null;
  #closed = false;
  #running = false;
  #hasRun = false;
  #hostCalls = 0;
  #controller: AbortController | null = null;
  /** Stops what ends the call from outside; null while nothing does. */
  #unwatch: (() => void) | null = null;
  /** Settles what the plugin is suspended on. */
  #wake: (() => void) | null = null;

  constructor(machine: Machine, options: CallOptions, lines: LogLines) {
    this.#machine = machine;
    this.#options = options;
    this.#deadlineAt = performance.now() + options.deadlineMs;
    this.requestId = options.requestId ?? null;
    this.clockMs = options.nowMs ?? Date.now();
    this.lines = lines;
    this.#running = options.onCpu === true;
    this.#hasRun = this.#running;
  }

  get ending(): Ending | null {
    return this.#ending;
  }

  get #isOver(): boolean {
    return this.#closed || this.#ending !== null;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#isOver) this.#controller.abort();
    return this.#controller.signal;
  }

  end(how: Ending): void {
    if (this.#isOver) return;
    this.#ending = how;
    // By trap, never by throw: a plugin can catch an exception, but not `unreachable`.
    this.#machine.gauge.stop();
    this.#controller?.abort();
    this.#wake?.();
  }

  endByFuel(): void {
    this.end({ outcome: "fuel", error: `more than ${this.#options.fuel} units of fuel` });
  }

  #endByDeadline(): void {
    this.end({ outcome: "deadline", error: `not done after ${Math.ceil(this.#options.deadlineMs)} ms` });
  }

  checkTime(): void {
    if (performance.now() >= this.#deadlineAt) this.#endByDeadline();
  }

  /** Only a suspended call needs a timer: while wasm runs no timer could fire. */
  #watch(): void {
    if (this.#unwatch !== null) return;
    const patience = { untilMs: this.#deadlineAt, signal: this.#options.signal };
    this.#unwatch = watchPatience(patience, (why) => {
      if (why === "deadline") this.#endByDeadline();
      else this.end({ outcome: "deadline", error: "ended by the caller" });
    });
  }

  async #waitFor(waiting: Waiting): Promise<void> {
    this.#wake = waiting.leave;
    this.#watch();
    await waiting.turn;
    this.#wake = null;
    this.#running = this.#ending === null;
  }

  enter(): Promise<void> | null {
    if (this.#running) return null;
    const waiting = this.#machine.lane.enter(!this.#hasRun);
    this.#hasRun = true;
    return this.#runAfter(waiting);
  }

  yield(): Promise<void> | null {
    return this.#runAfter(this.#machine.lane.yield());
  }

  #runAfter(waiting: Waiting | null): Promise<void> | null {
    this.#running = waiting === null;
    return waiting === null ? null : this.#waitFor(waiting);
  }

  pause(): void {
    if (this.#running) this.#machine.lane.pause();
    this.#running = false;
  }

  log(level: "warn" | "error", text: string): void {
    if (!this.#isOver) this.lines.write(level, text);
  }

  admit(): boolean {
    if (this.#isOver) return false;
    if (++this.#hostCalls > callLimits.hostCalls) {
      this.end({ outcome: "fuel", error: `more than ${callLimits.hostCalls} host calls` });
      return false;
    }
    return this.pay(hostCallFuel * bytesPerFuel);
  }

  get active(): boolean {
    return !this.#isOver;
  }

  pay(bytes: number): boolean {
    return this.#charge(Math.ceil(bytes / bytesPerFuel));
  }

  spend(microseconds: number): boolean {
    return this.#charge(Math.ceil(microseconds * fuelPerMicrosecond));
  }

  #charge(units: number): boolean {
    if (this.#machine.gauge.charge(units)) return true;
    this.endByFuel();
    return false;
  }

  readFirst(offset: bigint, limit: number): Uint8Array {
    const { kernel } = this.#machine;
    if (this.#isOver || !this.pay(Math.min(kernel.lengthOf(offset), limit))) return nothing;
    return kernel.read(offset, limit);
  }

  read(offset: bigint): Uint8Array {
    return this.#readWhole(offset, callLimits.hostReadBytes);
  }

  readText(offset: bigint): string {
    return utf8.decode(this.#readWhole(offset, callLimits.hostTextBytes));
  }

  #readWhole(offset: bigint, limit: number): Uint8Array {
    const length = this.#machine.kernel.lengthOf(offset);
    if (length <= limit) return this.readFirst(offset, limit);
    const error = `a block of ${length} bytes for a host function; the limit is ${limit}`;
    this.end({ outcome: "memory", error });
    return nothing;
  }

  write(content: Uint8Array | string): bigint {
    if (this.#isOver || !this.pay(content.length)) return 0n;
    return BigInt(this.#machine.kernel.put(content));
  }

  async hostValue(promise: Promise<bigint>, name: string): Promise<bigint> {
    this.pause();
    this.#watch();
    const value = await new Promise<bigint>((resolve) => {
      this.#wake = () => resolve(0n);
      promise.then(resolve, (reason: unknown) => {
        this.end({ outcome: "error", error: `${name} failed: ${String(reason)}` });
        resolve(0n);
      });
      if (this.#ending !== null) resolve(0n);
    });
    this.#wake = null;
    if (this.#ending === null) await this.enter();
    return this.#ending === null ? value : 0n;
  }

  close(): void {
    this.pause();
    this.#closed = true;
    this.#controller?.abort();
    this.#unwatch?.();
  }
}

export function createGuestCall(machine: Machine, options: CallOptions, lines: LogLines): GuestCall {
  return new RunningCall(machine, options, lines);
}
