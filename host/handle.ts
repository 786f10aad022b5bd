import { type Answer, answerParts, errorResponse } from "./answer.ts";
import { ask } from "./attempts.ts";
import { traceSteps } from "./debug-trace.ts";
import { GatewayError, toGatewayError } from "./errors.ts";
import { runPostRequest } from "./event-stream.ts";
import { type Again, type AttemptReport, bodyModel, type Exchange, withAskedHeaders } from "./exchange.ts";
import type { Generation } from "./generation.ts";
import { createExchange, type Incoming, parseBody } from "./incoming.ts";
import { sheddingLimits } from "./limits.ts";
import { authenticate } from "./pipeline/authenticate.ts";
import type { StepSkip } from "./pipeline/due-steps.ts";
import { runEvery, runStage, type StepCall } from "./pipeline/run-stage.ts";
import type { Plan } from "./resolve/plan.ts";
import type { ForwardAnswer } from "./upstream/forward.ts";

/** Who is told what happened. */
export type Observer = {
  step(report: StepCall): void;
  /** A step that is not called, and why. */
  skip(skip: StepSkip): void;
  /** A request that failed, before or after its answer began. */
  failure(exchange: Exchange, error: GatewayError): void;
  /** A request that is over. */
  end(exchange: Exchange, status: number): void;
  attempt(report: AttemptReport): void;
};

/** One request from its first byte to its last. Never throws: whatever fails becomes an answer. */
export async function handle(
  generation: Generation,
  incoming: Incoming,
  observer: Observer,
): Promise<Answer> {
  const { resolver, bindings, config } = generation;
  const exchange = createExchange(incoming);
  const trace = traceSteps(exchange, config.debug?.token ?? null, observer);
  const context = { exchange, bindings, report: trace.step, skip: trace.skip };
  const { requestMs = sheddingLimits.requestMs } = config.limits.plugins;
  const stage = { ...context, signal: exchange.signal, budgetMs: requestMs };
  let plan = resolver.plan(null, null);
  let forwarded: ForwardAnswer | null = null;
  try {
    exchange.request = { ...exchange.request, body: parseBody(incoming.headers, await incoming.readBody()) };
    const { route, prefix } = matchRoute(generation, exchange);
    plan = resolver.plan(route, null);
    exchange.route = route;
    exchange.service = plan.service;
    exchange.tenant = config.routes[route]?.tenant ?? null;
    exchange.reach = generation.reach;

    let answered = false;
    if (plan.authenticators.length > 0) {
      const isConsumer = (name: string) => Object.hasOwn(config.consumers, name);
      answered = await authenticate(plan.authenticators, stage, isConsumer);
      plan = resolver.plan(route, exchange.consumer);
      exchange.groups = plan.groups;
    }
    answered ||= await runStage(plan.preRequest, stage);
    if (!answered) {
      const failed = (error: GatewayError) => runErrorStage(exchange, error, { plan, stage, observer });
      forwarded = await ask(generation, { exchange, plan, stage, prefix, failed, report: observer.attempt });
    }
    if (exchange.error === null) await runPostRequest({ plan, stage });
  } catch (thrown) {
    await runErrorStage(exchange, toGatewayError(thrown), { plan, stage, observer });
  }
  // Somebody answered in place of the upstream, so its body goes to nobody.
  if (exchange.response?.body.kind !== "stream") forwarded?.discard();
  const parts = trace.answer(answerParts(exchange));

  return {
    ...parts,
    async finish(complete) {
      if (forwarded !== null) exchange.usage = forwarded.usage;
      if (!complete) exchange.error ??= new GatewayError("client_closed", "The client closed the request.");
      if (exchange.error !== null) observer.failure(exchange, exchange.error);
      await runEvery((exchange.isStream ? plan.stream : plan).completion, context);
      observer.end(exchange, complete ? parts.status : 499);
    },
  };
}

function matchRoute({ resolver }: Generation, exchange: Exchange): { route: string; prefix: string } {
  const { method, path, headers, body } = exchange.request;
  const { host = "" } = headers;
  const match = resolver.match({ method, path, host, headers, model: () => bodyModel(body) });
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

type Failing = {
  readonly plan: Plan;
  readonly stage: Parameters<typeof runStage>[1];
  readonly observer: Observer;
};

/**
 * The error stage: it may rewrite the answer or ask for another attempt, and whatever fails in it never hides the first error.
 * @returns what it asks for
 */
async function runErrorStage(
  exchange: Exchange,
  error: GatewayError,
  { plan, stage, observer }: Failing,
): Promise<Again | null> {
  exchange.error = error;
  // An error of the upstream comes with its answer.
  const answer = error.code === "upstream_error" ? exchange.response : null;
  const response = answer ?? withAskedHeaders(exchange, errorResponse(exchange, error));
  exchange.response = response;
  if (error.code === "client_closed") return null;
  try {
    await runStage(plan.error, stage);
  } catch (thrown) {
    exchange.response = response;
    exchange.again = null;
    const second = toGatewayError(thrown);
    if (second.blame === "gateway") observer.failure(exchange, second);
  }
  const { again } = exchange;
  exchange.again = null;
  return again;
}
