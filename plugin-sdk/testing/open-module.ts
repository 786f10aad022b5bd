import { memoryBacking } from "../../host/capabilities/all.ts";
import type { PluginMetric } from "../../host/capabilities/metrics.ts";
import type { Exchange, RequestPart, ResponsePart } from "../../host/exchange.ts";
import { createLog } from "../../host/observe/log.ts";
import { applyEffects } from "../../host/pipeline/effects.ts";
import { parseOutput } from "../../host/pipeline/parse-output.ts";
import { eventInputs, readInput } from "../../host/pipeline/read-input.ts";
import { requireOk } from "../../host/pipeline/step-failure.ts";
import type { Plan, Step } from "../../host/resolve/plan.ts";
import type { ScheduledStep } from "../../host/resolve/scheduled.ts";
import type { CallResult } from "../../host/sandbox/outcome.ts";
import { createCaches } from "../../host/store/cache.ts";
import { createMemoryStore } from "../../host/store/memory.ts";
import type { Effect } from "../abi/effects.ts";
import type { StageHook } from "../abi/hooks.ts";
import type { Manifest } from "../abi/manifest.ts";
import { type Binding, bindAlone } from "./bind-alone.ts";
import { bodyValue, exchangeOf, type Given } from "./given.ts";
import type { PluginModule } from "./modules.ts";
import { createScriptedHttp, type HttpScript, type SentRequest } from "./scripted-http.ts";

export type OpenOptions = Binding & {
  /**
   * Answers what the plugin sends with `http`: nothing goes to the network, and without this every request fails. What
   * it throws is thrown by the `call` that was running.
   */
  readonly http?: HttpScript;
  /** The clock of its calls and of what it keeps, milliseconds since 1970. Default: Date.now. */
  readonly now?: () => number;
};

/** A line of the plugin as the operator's log has it. */
export type LogLine = { readonly level: string; readonly msg: string; readonly data?: unknown };

/** What a call cost, and said. */
type Measured = {
  readonly log: readonly LogLine[];
  /** The same number every time. */
  readonly fuel: number;
  readonly durationUs: number;
  /** Pages (64 KiB) of the plugin's memory when the call ended. */
  readonly memoryPages: number;
};

/** What a hook did. */
export type PluginCall = Measured & {
  /** What it asked for, in order. */
  readonly effects: readonly Effect[];
  /** As it goes on, with the effects applied. `body` is the JSON value, or else the text, or else the bytes. */
  readonly request: Part & { readonly method: string; readonly path: string; readonly query: string };
  /** The answer with the effects applied; null when there is none. */
  readonly response: (Part & { readonly status: number }) | null;
  /** All of the gateway's own record of the request, for what is not above: consumer, tags, the bytes of a body. */
  readonly exchange: Exchange;
};

type Part = {
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: unknown;
};

/** The end of a call as the sandbox tells it. */
export type RawCall = Measured & Omit<CallResult, "fuelUsed">;

export type OpenPlugin = AsyncDisposable & {
  readonly manifest: Manifest;
  /**
   * Calls a hook as a request does: it gets what its manifest reads, and its effects are checked and applied.
   * @throws {StepFailure} when the call fails, with its `outcome`, or asks for what ABI or manifest do not allow
   */
  call(hook: StageHook, given?: Given): Promise<PluginCall>;
  /** Calls an export with exactly this input, an object as JSON. A failure is an outcome, not an exception. */
  callRaw(hook: string, input?: object | string | Uint8Array): Promise<RawCall>;
  /** What was sent with `http`, by all calls so far. */
  readonly http: { readonly requests: readonly SentRequest[] };
  /** What was measured with `metrics`, by all calls so far. */
  readonly metrics: readonly PluginMetric[];
  close(): Promise<void>;
};

/** Binds a plugin that is loaded, with the gateway's own capabilities in memory. @throws {PluginRefused} */
export async function openModule(
  module: PluginModule,
  { http: script, now = Date.now, ...binding }: OpenOptions,
): Promise<OpenPlugin & { readonly steps: readonly (Step | ScheduledStep)[] }> {
  const { manifest } = module;
  const http = createScriptedHttp(script, binding.secrets ?? {});
  const metrics: PluginMetric[] = [];
  const clock = { now, wall: now };
  const store = createMemoryStore({ clock });
  const lines: (LogLine & { readonly requestId?: string })[] = [];
  const log = createLog("trace", { write: (line) => lines.push(JSON.parse(line)) });
  const backing = {
    ...memoryBacking(),
    store,
    caches: createCaches(clock),
    metrics: () => (metric: PluginMetric) => {
      metrics.push(metric);
      return null;
    },
    send: http.send,
  };
  const { resolver, bindings, retire } = await bindAlone(module, binding, { log, backing });
  const steps = everyStep(resolver.plan("all", null));
  const [bound] = bindings.values();

  async function run(hook: string, input: string | Uint8Array, requestId: string): Promise<RawCall> {
    if (bound === undefined) throw new Error(`${manifest.name} has no hooks`);
    const { fuelUsed, ...result } = await bound.pool.call(hook, input, {
      requestId,
      nowMs: Math.floor(now()),
    });
    http.rethrow();
    const log = lines.filter((line) => line.requestId === requestId).map(withoutPlace);
    return { ...result, fuel: fuelUsed, log };
  }

  async function close(): Promise<void> {
    await retire();
    await store.close();
  }

  return {
    manifest,
    steps: [...steps, ...resolver.scheduled],
    http: { requests: http.requests },
    metrics,
    async call(hook, given = {}) {
      const step = steps.find((one) => one.hook === hook);
      if (step === undefined) throw new Error(`${manifest.name} has no hook ${hook}`);
      const exchange = exchangeOf(withAnswer(hook, given));
      const event = { index: 0, text: "", held: [], ...given.event };
      const isEvent = hook === "post_request_event";
      const input = isEvent ? eventInputs(step, exchange)(event) : readInput(step, exchange);
      const { outcome, output, error, ...measured } = await run(hook, input, exchange.id);
      requireOk({ outcome, error });
      const effects = parseOutput(step, output);
      applyEffects(effects, exchange);
      return { effects, ...partsOf(exchange), exchange, ...measured };
    },
    callRaw(hook, input = {}) {
      const isJson = typeof input === "object" && !(input instanceof Uint8Array);
      return run(hook, isJson ? JSON.stringify(input) : input, `raw-${++rawCalls}`);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

let rawCalls = 0;

/** The host's own fields say what a test knows already. */
function withoutPlace({ level, msg, data }: LogLine): LogLine {
  return data === undefined ? { level, msg } : { level, msg, data };
}

/** Of the stages after the request each has something to look at. */
function withAnswer(hook: StageHook, given: Given): Given {
  const hasOutcome = given.response !== undefined || given.error !== undefined;
  if (hook === "error" && given.error === undefined) {
    throw new TypeError('the error hook runs when a request has failed: give error: { code: "…" }');
  }
  return hook === "post_request" && !hasOutcome ? { ...given, response: {} } : given;
}

function partsOf({ request, response }: Exchange): Pick<PluginCall, "request" | "response"> {
  return {
    request: { ...request, ...partOf(request) },
    response: response === null ? null : { ...response, ...partOf(response) },
  };
}

/** Of an object that a test can compare with a literal. */
function partOf({ headers, body }: RequestPart | ResponsePart): Part {
  return { headers: { ...headers }, body: bodyValue(body) };
}

function everyStep(plan: Plan): readonly Step[] {
  const { authenticators, preRequest, postRequest, events, completion, error } = plan;
  return [authenticators, ...preRequest, ...postRequest, events, ...completion, ...error].flat();
}
