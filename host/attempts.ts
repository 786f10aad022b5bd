import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { durationMs, type ServiceConfig } from "#config/schema.ts";
import { collect, copying, relay, withBytes } from "./answer.ts";
import { type Blame, GatewayError, toGatewayError } from "./errors.ts";
import { takeStream } from "./event-stream.ts";
import {
  type Again,
  type AttemptReport,
  bodyBytes,
  bodyJson,
  type Exchange,
  noBody,
  withAskedHeaders,
} from "./exchange.ts";
import type { Generation } from "./generation.ts";
import { attemptLimits } from "./limits.ts";
import type { StageContext } from "./pipeline/run-stage.ts";
import type { Plan } from "./resolve/plan.ts";
import type { ForwardAnswer, ForwardRequest } from "./upstream/forward.ts";
import type { TargetWish } from "./upstream/targets.ts";

export type Asking = {
  readonly exchange: Exchange;
  readonly plan: Plan;
  readonly stage: StageContext;
  /** What the upstream path loses. */
  readonly prefix: string;
  /**
   * The error stage: which other attempt it asks for, of those that the exchange's budget allows. The exchange has a response:
   * the upstream's, or one made of the error.
   */
  failed(error: GatewayError): Promise<Again | null>;
  report(report: AttemptReport): void;
};

/**
 * Asks the upstream, and again as long as the error stage wants it and the budget of the service that was asked first allows.
 * The exchange has the response, with as much of its body at hand as the plan asks for.
 * @returns the answer, which may be an error of the upstream; null when no attempt had one, and the exchange has the error then.
 * @throws {GatewayError} `client_closed`
 */
export async function ask(generation: Generation, asking: Asking): Promise<ForwardAnswer | null> {
  const { exchange } = asking;
  const { attempts, totalMs } = budgetOf(generation.config.services[exchange.service ?? ""]);
  const untilMs = performance.now() + totalMs;
  let wish: TargetWish = { prefer: exchange.target };
  for (;;) {
    const { key, answer, ...attempt } = await once(generation, asking, wish);
    const { error } = attempt;
    const report = { ...attempt, requestId: exchange.id, attempt: exchange.attempt };
    if (error === null) {
      asking.report({ ...report, again: false });
      return answer;
    }
    exchange.budget = { left: attempts - exchange.attempt, untilMs, retryAfterMs: retryAfterMs(answer) };
    const again = await asking.failed(error);
    exchange.budget = null;
    asking.report({ ...report, again: again !== null });
    if (again === null) {
      // What the upstream has said is an answer like any other from here on.
      if (answer !== null) exchange.error = null;
      return answer;
    }
    answer?.discard();
    if (again.kind === "retry") await pause(again.delayMs, exchange.signal);
    wish = again.kind === "retry" && again.target === "same" ? { prefer: key } : { avoid: exchange.tried };
    Object.assign(exchange, { error: null, response: null });
  }
}

type Outcome = Pick<AttemptReport, "service" | "target" | "status" | "error"> & {
  readonly key: string | null;
  readonly answer: ForwardAnswer | null;
};

async function once({ upstreams }: Generation, asking: Asking, wish: TargetWish): Promise<Outcome> {
  const { exchange, plan, prefix } = asking;
  const service = exchange.service ?? "";
  const upstream = upstreams.get(service);
  if (upstream === undefined) throw new Error(`no upstream for the service ${service}`);
  const sentMs = performance.now();
  exchange.attempt += 1;
  exchange.target = null;
  let key: string | null = null;
  try {
    const attempt = upstream.attempt(wish);
    ({ key, target: exchange.target } = attempt);
    // At the end of the set, which is the order in which they were asked.
    exchange.tried.delete(key);
    exchange.tried.add(key);
    const first = await attempt.forward(requestOf(exchange, prefix));
    exchange.upstreamMs = first.atMs - sentMs;
    const mayRetry = plan.error.length > 0;
    // An answer that breaks off before its first event or byte has told the client nothing yet.
    const answer = mayRetry && first.whole === null ? await withFirstChunk(first) : first;
    const error = mayRetry && answer.status >= 400 ? upstreamError(answer.status) : null;
    await take(answer, asking);
    return { service, target: exchange.target, status: answer.status, error, key, answer };
  } catch (thrown) {
    const error = toGatewayError(thrown);
    if (error.code === "client_closed") throw error;
    return { service, target: exchange.target, status: null, error, key, answer: null };
  }
}

function requestOf({ request, surface, signal }: Exchange, prefix: string): ForwardRequest {
  if (request.body.kind === "stream") throw new Error("a request body is never a stream");
  return {
    surface,
    method: request.method,
    path: request.path.startsWith(`${prefix}/`) ? request.path.slice(prefix.length) : request.path,
    query: request.query,
    headers: request.headers,
    body: bodyBytes(request.body),
    json: bodyJson(request.body),
    signal,
  };
}

/** The answer as the exchange's response. */
async function take(answer: ForwardAnswer, { exchange, plan, stage }: Asking): Promise<void> {
  const { status, headers, eventStream, whole } = answer;
  exchange.isStream = false;
  if (whole !== null) {
    exchange.response = withAskedHeaders(exchange, { status, headers, body: whole });
    exchange.usage = answer.usage;
    return;
  }
  if (eventStream) {
    const response = withAskedHeaders(exchange, { status, headers, body: noBody });
    exchange.response = await takeStream(response, answer, { plan, stage });
    return;
  }
  const chunks = relay(exchange, answer);
  const response = withAskedHeaders(exchange, { status, headers, body: { kind: "stream", chunks } });
  if (plan.responseBody === "buffer") {
    exchange.response = withBytes(response, await collect(answer.body));
    exchange.usage = answer.usage;
  } else if (plan.responseBody === "stream") {
    exchange.response = response;
  } else {
    const keep = (bytes: Uint8Array) => {
      exchange.response = withBytes(exchange.response ?? response, bytes);
    };
    exchange.response = { ...response, body: { kind: "stream", chunks: copying(chunks, keep) } };
  }
}

/** The same answer when the first chunk of its body is there, or its end. */
async function withFirstChunk(answer: ForwardAnswer): Promise<ForwardAnswer> {
  const chunks = answer.body[Symbol.asyncIterator]();
  const first = await chunks.next();
  async function* all(): AsyncGenerator<Uint8Array> {
    try {
      for (let next = first; next.done !== true; next = await chunks.next()) yield next.value;
    } finally {
      await chunks.return?.();
    }
  }
  return { ...answer, body: all() };
}

/** Statuses by which an upstream says that it could not serve, not that the request is wrong. */
const transient: ReadonlySet<number> = new Set([408, 409, 425, 429]);

function upstreamError(status: number): GatewayError {
  const blame: Blame = status < 500 && !transient.has(status) ? "client" : "upstream";
  return new GatewayError("upstream_error", `The upstream answered with status ${status}.`, {
    upstreamStatus: status,
    status,
    blame,
  });
}

function budgetOf(service: ServiceConfig | undefined): {
  readonly attempts: number;
  readonly totalMs: number;
} {
  const { max = attemptLimits.attempts, total } = service?.attempts ?? {};
  return { attempts: max, totalMs: total === undefined ? attemptLimits.totalMs : durationMs(total) };
}

/** https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3; 0 where the answer does not say. */
function retryAfterMs(answer: ForwardAnswer | null): number {
  const { "retry-after-ms": exact, "retry-after": field } = answer?.headers ?? {};
  if (typeof exact === "string" && /^\d{1,9}(\.\d+)?$/.test(exact)) return Number(exact);
  if (typeof field !== "string") return 0;
  if (/^\d{1,6}$/.test(field)) return Number(field) * 1000;
  const date = Date.parse(field);
  return Number.isNaN(date) ? 0 : Math.max(0, date - Date.now());
}

async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  if (delayMs === 0) return;
  await sleep(delayMs, undefined, { signal }).catch(() => {
    throw new GatewayError("client_closed", "The client closed the request.");
  });
}
