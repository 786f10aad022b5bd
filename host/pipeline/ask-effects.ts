import { performance } from "node:perf_hooks";
import { pathSegments } from "#host/resolve/request-path.ts";
import type { Effect } from "#sdk/abi/effects.ts";
import { bodyJson, type Exchange } from "../exchange.ts";
import { printable } from "../json.ts";
import { requestLimits } from "../limits.ts";
import { applyPatch, type PatchBudget } from "./json-patch.ts";
import { Refused } from "./step-failure.ts";

/** An effect about which upstream is asked, and whether once more. */
export type AskEffect = Extract<Effect, { type: "retry" | "fallback" | "target" | "service" | "model" }>;

type Asker = {
  /** Of the binding. */
  readonly tenant: string | null;
  /** Of the bodies that it changes. */
  readonly budget: PatchBudget;
};

/**
 * Applies an effect about which upstream is asked.
 * @throws Refused, {PatchError} for a body over the budget.
 */
export function applyAsk(exchange: Exchange, effect: AskEffect, { tenant, budget }: Asker): void {
  switch (effect.type) {
    case "retry": {
      const { target = "next" } = effect;
      const { retryAfterMs } = requireBudget(exchange);
      // An upstream that says when to come back has the last word, also where there is no other target to go to.
      const isSame = target === "same" || exchange.reach.targets(exchange.service ?? "").length < 2;
      const delayMs = Math.max(effect.delayMs ?? 0, isSame ? retryAfterMs : 0);
      if (hasBudget(exchange, delayMs)) exchange.again = { kind: "retry", target, delayMs };
      break;
    }
    case "fallback": {
      requireBudget(exchange);
      // What cannot be asked is a mistake of the plugin, whether there is budget left or not.
      const other = { ...exchange };
      if (effect.service !== undefined) setService(other, effect.service, tenant);
      if (effect.model !== undefined) setModel(other, effect.model, budget);
      if (hasBudget(exchange, 0)) Object.assign(exchange, other, { again: { kind: "fallback" } });
      break;
    }
    case "target":
      setTarget(exchange, effect.url);
      break;
    case "service":
      setService(exchange, effect.service, tenant);
      break;
    case "model":
      setModel(exchange, effect.model, budget);
      break;
    default:
      effect satisfies never;
  }
}

function requireBudget({ budget }: Exchange): NonNullable<Exchange["budget"]> {
  if (budget === null) {
    throw new Refused("no attempt at an upstream has failed, so there is none to repeat");
  }
  return budget;
}

/** Where it is spent the effect changes nothing: whether there is another attempt is for the host to say, and later steps go on. */
function hasBudget({ budget }: Exchange, delayMs: number): boolean {
  return budget !== null && budget.left > 0 && performance.now() + delayMs <= budget.untilMs;
}

function setTarget(exchange: Exchange, url: string): void {
  const { service, reach } = exchange;
  if (!reach.targets(service ?? "").some((target) => target.url === url)) {
    throw new Refused(`the service ${service} has no target "${printable(url)}"`);
  }
  exchange.target = url;
}

function setService(exchange: Exchange, service: string, tenant: string | null): void {
  const { reach } = exchange;
  const may = reach.services(exchange.tenant).has(service);
  if (!may || (tenant !== null && !reach.services(tenant).has(service))) {
    throw new Refused(`there is no service "${printable(service)}" that this route may use`);
  }
  exchange.service = service;
  exchange.target = null;
}

/** Where the API has the model: in Gemini's path, else in the body. */
function setModel(exchange: Exchange, model: string, budget: PatchBudget): void {
  const { request, surface } = exchange;
  if (surface === "gemini") {
    exchange.request = { ...request, path: pathWithModel(request.path, model) };
    return;
  }
  const json = bodyJson(request.body);
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new Refused("the request has no JSON body that could name a model");
  }
  const changed = applyPatch(json, [{ op: "add", path: "/model", value: model }], budget);
  exchange.request = { ...request, body: { kind: "json", json: changed } };
}

function pathWithModel(path: string, model: string): string {
  const [, before, after] = /^(.*\/models\/)(?:(?!%3a)[^/:])+((?::|%3a)[^/]*)$/i.exec(path) ?? [];
  if (before === undefined) throw new Refused("the path of the request names no model");
  const changed = `${before}${encodeURIComponent(model.toWellFormed())}${after}`;
  if (pathSegments(changed) === null || changed.length > requestLimits.pathBytes) {
    throw new Refused(`"${printable(model)}" is no model that a path can name`);
  }
  return changed;
}
