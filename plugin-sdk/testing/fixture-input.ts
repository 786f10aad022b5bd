import { performance } from "node:perf_hooks";
import { GatewayError } from "../../host/errors.ts";
import { type Body, type Exchange, noBody } from "../../host/exchange.ts";
import { createExchange } from "../../host/incoming.ts";
import { applyEffects } from "../../host/pipeline/effects.ts";
import { eventInputs, readInput } from "../../host/pipeline/read-input.ts";
import type { ScheduledStep } from "../../host/resolve/scheduled.ts";
import type { Step } from "../../host/resolve/step.ts";
import type { Effect } from "../abi/effects.ts";
import type { Json } from "../abi/from-schema.ts";
import type { HookInput } from "../abi/input.ts";
import { otherUpstreams } from "./other-upstreams.ts";

/**
 * Why the gateway would never call this hook with this input, null when it would: it has a member that the manifest does not read, or
 * a credential that is never delivered.
 */
export function inputProblem(step: Step | ScheduledStep, input: HookInput): string | null {
  if (input.stage !== step.stage) return `input.stage must be "${step.stage}"`;
  // What a schedule gets is of no request.
  if (step.hook === "schedule") return null;
  const exchange = exchangeOfInput(input);
  const { event } = input;
  const isEvent = event !== undefined && step.hook === "post_request_event";
  const delivered = JSON.parse(isEvent ? eventInputs(step, exchange)(event) : readInput(step, exchange));
  const path = undelivered(input, delivered);
  return path === null
    ? null
    : `input.${path.join(".")} is never delivered: the manifest's reads of ${step.hook} do not name it`;
}

/** The path of a value that is given and not delivered. */
function undelivered(given: Json, delivered: Json | undefined): string[] | null {
  if (delivered === undefined && !isObject(given)) return [];
  if (!isObject(given)) return null;
  const there = delivered !== undefined && isObject(delivered) ? delivered : {};
  for (const [name, value] of Object.entries(given)) {
    const path = undelivered(value, Object.hasOwn(there, name) ? there[name] : undefined);
    if (path !== null) return [name, ...path];
  }
  return null;
}

function isObject(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Applies to the request of the input what can be applied: a patch needs the whole body, which is there only if the hook reads it.
 * @throws {StepFailure}
 */
export function applyToInput(effects: readonly Effect[], step: Step | ScheduledStep, input: HookInput): void {
  if (step.hook === "schedule") return;
  const applied = effects.filter((effect) => effect.type !== "patch-body" || readsBody(step, effect.on));
  applyEffects(applied, exchangeOfInput(input));
}

function readsBody({ reads }: Step, on: "request" | "response"): boolean {
  return reads.includes(on) || reads.includes(`${on}.body`);
}

/** An exchange of which a hook would get this input. */
function exchangeOfInput({ stage, request, response, error, context = {} }: HookInput): Exchange {
  const { method = "POST", path = "/", query = {}, headers = {}, body } = request ?? {};
  const exchange = createExchange({
    id: context.requestId ?? "request",
    startedMs: performance.now(),
    method,
    url: `${path}?${new URLSearchParams(query)}`.replace(/\?$/, ""),
    headers: Object.assign(Object.create(null), headers),
    readBody: async () => new Uint8Array(0),
    signal: new AbortController().signal,
  });
  exchange.request = { ...exchange.request, body: bodyOf(body) };
  if (stage === "post-request" || response !== undefined) {
    const { status = 200, headers: fields = {}, body: answer } = response ?? {};
    exchange.response = { status, headers: fields, body: bodyOf(answer) };
  }
  if (error !== undefined) exchange.error = Object.assign(new GatewayError("internal", ""), error);
  const { requestId, durationMs, targets = [], ...known } = context;
  const upstreams = otherUpstreams(error !== undefined, targets);
  return Object.assign(exchange, upstreams, known, { usage: () => response?.usage });
}

function bodyOf(body: Json | undefined): Body {
  return body === undefined ? noBody : { kind: "json", json: body };
}
