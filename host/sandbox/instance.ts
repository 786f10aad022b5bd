import { performance } from "node:perf_hooks";
import { InstanceBudgetSpent, processCapacity } from "./capacity.ts";
import { type Ended, messageOf, refusal, rejected, returned, trapped } from "./classify.ts";
import { instantiate } from "./extism.ts";
import { createFuelGauge } from "./fuel-gauge.ts";
import { type CallOptions, createGuestCall, type GuestCall } from "./guest-call.ts";
import type { GuestState } from "./guest-function.ts";
import { createKernel } from "./kernel.ts";
import { type GuestFunctions, linkables } from "./link.ts";
import { createLogLines, type LogLevel, type LogSink } from "./log-lines.ts";
import { preparedExportName } from "./meter.ts";
import type { CallResult } from "./outcome.ts";
import type { PreparedModule } from "./prepare.ts";
import { Rejected } from "./rejected.ts";
import type { CpuLane } from "./scheduler.ts";
import { createSnapshots, pagesOf, type Snapshot } from "./snapshot.ts";
import { createVars } from "./vars.ts";
import { createWritten } from "./written.ts";

export type InstanceSettings = {
  readonly prepared: PreparedModule;
  /** From `resolveImports`. */
  readonly functions: GuestFunctions;
  /** The operator's Extism config, for `config_get`. */
  readonly config: Readonly<Record<string, string>>;
  readonly log: LogSink;
  readonly logLevel: LogLevel;
  /** Of the plugin's memory (64 KiB each). The module's own maximum refuses growth; this one ends the call. */
  readonly memoryPages: number;
  /** Of the binding, at the scheduler. */
  readonly lane: CpuLane;
};

/** One instance of a plugin. It runs one call at a time and is dead after a trap or a kill. */
export type Instance = {
  /**
   * Calls an export of type () -> i32 or () -> (). Never throws: whatever happens is an outcome.
   * A second call while one runs is `rejected`.
   */
  call(name: string, input: Uint8Array | string, options: CallOptions): Promise<CallResult>;
  /** Runs an initializer of the prepared module, in the way of `call`. */
  start(initializer: string, options: CallOptions): Promise<CallResult>;
  /** False after a trap, a kill, or a restore that could not be exact. */
  readonly alive: boolean;
  /** What `restore` goes back to; null where that would not be exact. */
  snapshot(): Snapshot | null;
  /** Back to a snapshot of this module; false, and dead, when that cannot be exact. */
  restore(snapshot: Snapshot): boolean;
  /** Ends a running call and gives the place in the process back. */
  dispose(): void;
};

const outOfMemory = "all memory that the process has for plugins is in use";

/** Beyond this a kernel is not worth zeroing: a new instance is cheaper, and the memory goes back to the system. */
const kernelBytesKept = 2 * 1024 * 1024;

/**
 * Instantiates a prepared module. Its initializers have not run: they are exports, to be called first.
 * @throws InstanceBudgetSpent, Rejected
 */
export async function createInstance(settings: InstanceSettings): Promise<Instance> {
  processCapacity.takeInstance();
  try {
    return await startInstance(settings);
  } catch (thrown) {
    processCapacity.giveInstance();
    if (thrown instanceof InstanceBudgetSpent) throw thrown;
    // V8 has no address space left, or no memory for it; anything else is the module's own doing.
    if (thrown instanceof RangeError) throw new InstanceBudgetSpent(messageOf(thrown));
    throw new Rejected("malformed", `cannot be instantiated: ${messageOf(thrown)}`);
  }
}

async function startInstance(settings: InstanceSettings): Promise<Instance> {
  const { prepared, functions, config, log, logLevel, memoryPages, lane } = settings;
  const kernel = createKernel();
  const vars = createVars();
  let call: GuestCall | null = null;
  let alive = true;
  let disposed = false;

  let bytes = new Uint8Array(0);
  const state: GuestState = {
    vars,
    config: Object.assign(Object.create(null), config),
    logLevel,
    memory: memoryBytes,
    writable(at, length) {
      if (at + length > memoryBytes().length) return null;
      if (length > 0) written?.mark(at, length);
      return bytes.subarray(at, at + length);
    },
  };

  function memoryBytes(): Uint8Array {
    if (memory !== null && bytes.buffer !== memory.buffer) bytes = new Uint8Array(memory.buffer);
    return bytes;
  }

  /** Called by the metered code when its slice is used up: 0 goes on, 1 makes it trap. */
  function slice(): 0 | 1 | Promise<0 | 1> {
    const running = call;
    if (running === null || running.ending !== null) return 1;
    if (!gauge.refill()) running.endByFuel();
    checkMemory(running);
    running.checkTime();
    if (running.ending !== null) return 1;
    const wait = running.yield();
    if (wait === null) return 0;
    return wait.then(() => {
      gauge.resume();
      return running.ending === null ? 0 : 1;
    });
  }

  const instance = await instantiate(prepared.module, {
    ...linkables(functions, kernel, state, () => call),
    "sandgate:meter": { slice: new WebAssembly.Suspending(slice) },
  });
  const { exports } = instance;
  const memory = (exports["sandgate:memory"] ?? null) as WebAssembly.Memory | null;
  const marks = (exports["sandgate:written"] ?? null) as WebAssembly.Memory | null;
  const written = marks === null ? null : createWritten(marks, () => memoryBytes().length);
  const refused = exports["sandgate:refused"] as WebAssembly.Global;
  const gauge = createFuelGauge(exports["sandgate:fuel"] as WebAssembly.Global);
  const globals = prepared.reset.globals.map((name) => exports[name] as WebAssembly.Global);
  const snapshots = createSnapshots({ memory, written, globals, vars });
  const entries = new Map<string, () => Promise<unknown>>();

  function entry(name: string): () => Promise<unknown> {
    const known = entries.get(name);
    if (known !== undefined) return known;
    const made = WebAssembly.promising(exports[name] as WebAssembly.ExportedFunction);
    entries.set(name, made);
    return made;
  }

  let counted = 0;

  /** Tells the process how much this instance has by now; false when that is too much. */
  function countPages(): boolean {
    const pages = pagesOf(memory) + kernel.pages();
    const isCounted = pages === counted || processCapacity.takePages(pages - counted);
    if (isCounted) counted = pages;
    return isCounted;
  }

  function checkMemory(running: GuestCall): void {
    const pages = pagesOf(memory);
    if (pages > memoryPages) {
      running.end({ outcome: "memory", error: `${pages} pages of memory; the limit is ${memoryPages}` });
    } else if (!countPages()) {
      running.end({ outcome: "memory", error: outOfMemory });
    }
  }

  if (!countPages()) throw new InstanceBudgetSpent(outOfMemory);

  async function run(running: GuestCall, name: string, input: Uint8Array | string): Promise<Ended> {
    const wait = running.enter();
    if (wait !== null) await wait;
    if (running.ending !== null) return running.ending;
    if (!kernel.begin(input))
      return { outcome: "memory", error: "the input does not fit the kernel's memory" };
    try {
      gauge.resume();
      const finished = entry(name)();
      // It has ended or suspended; what the event loop does until we hear of it is not the plugin's time.
      running.pause();
      const code = await finished;
      return running.ending ?? returned(code, kernel, refused.value !== 0);
    } catch (thrown) {
      alive = false;
      // Metered code puts its count back before that instruction, and cannot before others that trap.
      if (messageOf(thrown) !== "unreachable") gauge.loseSlice();
      return running.ending ?? trapped(thrown, refused.value !== 0);
    }
  }

  function refuse(reason: string, { onCpu = false }: CallOptions): CallResult {
    if (onCpu) lane.pause();
    return rejected(reason, pagesOf(memory));
  }

  async function invoke(name: string, input: Uint8Array | string, options: CallOptions): Promise<CallResult> {
    const startedAt = performance.now();
    if (disposed || !alive) return refuse("the instance is dead", options);
    if (call !== null) return refuse("the instance already runs a call", options);
    if (options.signal?.aborted) return refuse("ended by the caller before it ran", options);

    const lines = createLogLines(log, options.requestId ?? null);
    const running = createGuestCall({ gauge, kernel, lane }, options, lines);
    call = running;
    refused.value = 0;
    gauge.start(options.fuel);
    const ended = await run(running, name, input);
    if (ended.outcome === "ok") checkMemory(running);
    // The last slice may have gone over the total without a check after it.
    if (ended.outcome === "ok" && gauge.isSpent()) running.endByFuel();
    if (running.ending !== null) alive = false;
    const { outcome, error } = running.ending ?? ended;
    running.close();
    lines.close();
    call = null;
    return {
      outcome,
      error,
      output: outcome === "ok" ? kernel.output() : new Uint8Array(0),
      fuelUsed: gauge.used(),
      durationUs: Math.round((performance.now() - startedAt) * 1000),
      memoryPages: pagesOf(memory),
    };
  }

  return {
    get alive() {
      return alive && !disposed;
    },
    async call(name, input, options) {
      const reason = refusal(prepared, name, input);
      return reason === null ? invoke(preparedExportName(name), input, options) : refuse(reason, options);
    },
    start: (initializer, options) => invoke(initializer, "", options),
    snapshot: snapshots.take,
    restore(snapshot) {
      if (call !== null) return false;
      alive = alive && kernel.used() <= kernelBytesKept && snapshots.restore(snapshot);
      if (alive) kernel.reset();
      return alive;
    },
    dispose() {
      if (disposed) return;
      disposed = true;
      call?.end({ outcome: "deadline", error: "the plugin was unloaded" });
      processCapacity.givePages(counted);
      processCapacity.giveInstance();
    },
  };
}
