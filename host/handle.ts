import { performance } from "node:perf_hooks";
import type { Json } from "#sdk/abi/from-schema.ts";
import { type Answer, answerParts, collect, copying, errorResponse, relay, withBytes } from "./answer.ts";
import { GatewayError, toGatewayError } from "./errors.ts";
import { bodyBytes, bodyJson, type Exchange, withAskedHeaders } from "./exchange.ts";
import type { Generation } from "./generation.ts";
import { createExchange, type Incoming, parseBody } from "./incoming.ts";
import { authenticate } from "./pipeline/authenticate.ts";
import { runEvery, runStage, type StepCall } from "./pipeline/run-stage.ts";
import type { Plan } from "./resolve/plan.ts";
import type { ForwardAnswer } from "./upstream/forward.ts";

/** Who is told what happened. */
export type Observer = {
  step(report: StepCall): void;
  /** A request that failed, before or after its answer began. */
  failure(exchange: Exchange, error: GatewayError): void;
  /** A request that is over. */
  end(exchange: Exchange, status: number): void;
};

/** One request from its first byte to its last. Never throws: whatever fails becomes an answer. */
export async function handle(
  generation: Generation,
  incoming: Incoming,
  observer: Observer,
): Promise<Answer> {
  const { resolver, bindings, config } = generation;
  const exchange = createExchange(incoming);
  const context = { exchange, bindings, report: observer.step };
  const stage = { ...context, signal: exchange.signal };
  let plan = resolver.plan(null, null);
  let forwarded: ForwardAnswer | null = null;
  try {
    exchange.request = { ...exchange.request, body: parseBody(incoming.headers, await incoming.readBody()) };
    const { route, prefix } = matchRoute(generation, exchange);
    plan = resolver.plan(route, null);
    exchange.route = route;
    exchange.service = plan.service;

    let answered = false;
    if (plan.authenticators.length > 0) {
      const isConsumer = (name: string) => Object.hasOwn(config.consumers, name);
      answered = await authenticate(plan.authenticators, stage, isConsumer);
      plan = resolver.plan(route, exchange.consumer);
      exchange.groups = plan.groups;
    }
    answered ||= await runStage(plan.preRequest, stage);
    if (!answered) forwarded = await forward(generation, { exchange, plan, prefix });
    await runStage(plan.postRequest, stage);
  } catch (thrown) {
    await fail(exchange, toGatewayError(thrown), { plan, stage, observer });
  }
  // Somebody answered in place of the upstream, so its body goes to nobody.
  if (exchange.response?.body.kind !== "stream") forwarded?.discard();
  const parts = answerParts(exchange);

  return {
    ...parts,
    async finish(complete) {
      exchange.usage ??= forwarded?.usage();
      if (!complete) exchange.error ??= new GatewayError("client_closed", "The client closed the request.");
      if (exchange.error !== null) observer.failure(exchange, exchange.error);
      await runEvery(plan.completion, context);
      observer.end(exchange, complete ? parts.status : 499);
    },
  };
}

function matchRoute({ resolver }: Generation, exchange: Exchange): { route: string; prefix: string } {
  const { method, path, headers, body } = exchange.request;
  const { host = "" } = headers;
  const model = () => {
    const json = bodyJson(body);
    if (typeof json !== "object" || json === null || !Object.hasOwn(json, "model")) return undefined;
    const { model } = json as { readonly model: Json };
    return typeof model === "string" ? model : undefined;
  };
  const match = resolver.match({ method, path, host, headers, model });
  switch (match.kind) {
    case "route":
      return match;
    case "method":
      exchange.responseHeaders = { allow: match.allow.join(", ") };
      throw new GatewayError("method_not_allowed", `This path takes ${match.allow.join(", ")}.`);
    case "none":
      throw new GatewayError("no_route", "No route of the gateway matches this request.");
    default:
      return match satisfies never;
  }
}

type Forwarding = { readonly exchange: Exchange; readonly plan: Plan; readonly prefix: string };

/** Sends the request on. The exchange has the response, with as much of its body at hand as the plan asks for. */
async function forward(
  { upstreams }: Generation,
  { exchange, plan, prefix }: Forwarding,
): Promise<ForwardAnswer> {
  const upstream = upstreams.get(exchange.service ?? "");
  if (upstream === undefined) throw new Error(`no upstream for the service ${exchange.service}`);
  const { request, surface, signal } = exchange;
  if (request.body.kind === "stream") throw new Error("a request body is never a stream");
  const sentMs = performance.now();
  const answer = await upstream.forward({
    surface,
    method: request.method,
    path: request.path.startsWith(`${prefix}/`) ? request.path.slice(prefix.length) : request.path,
    query: request.query,
    headers: request.headers,
    body: bodyBytes(request.body),
    json: bodyJson(request.body),
    signal,
  });
  exchange.upstreamMs = performance.now() - sentMs;

  const { status, headers, eventStream } = answer;
  const chunks = relay(exchange, answer);
  const response = withAskedHeaders(exchange, { status, headers, body: { kind: "stream", chunks } });
  exchange.response = response;
  if (eventStream || plan.responseBody === "stream") return answer;
  if (plan.responseBody === "buffer") {
    exchange.response = withBytes(response, await collect(answer.body));
    exchange.usage = answer.usage();
    return answer;
  }
  const keep = (bytes: Uint8Array) => {
    exchange.response = withBytes(exchange.response ?? response, bytes);
  };
  exchange.response = { ...response, body: { kind: "stream", chunks: copying(chunks, keep) } };
  return answer;
}

type Failing = {
  readonly plan: Plan;
  readonly stage: Parameters<typeof runStage>[1];
  readonly observer: Observer;
};

/** The error stage: it may rewrite the answer, and whatever fails in it never hides the first error. */
async function fail(
  exchange: Exchange,
  error: GatewayError,
  { plan, stage, observer }: Failing,
): Promise<void> {
  exchange.error = error;
  exchange.response = withAskedHeaders(exchange, errorResponse(exchange, error));
  if (error.code === "client_closed") return;
  try {
    await runStage(plan.error, stage);
  } catch (thrown) {
    exchange.response = withAskedHeaders(exchange, errorResponse(exchange, error));
    const second = toGatewayError(thrown);
    if (second.blame !== "plugin") observer.failure(exchange, second);
  }
}
