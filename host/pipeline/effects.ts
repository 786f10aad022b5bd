import { pathSegments } from "#host/resolve/request-path.ts";
import type { Effect } from "#sdk/abi/effects.ts";
import type { Json } from "#sdk/abi/from-schema.ts";
import {
  type Body,
  bodyJson,
  type Exchange,
  noBody,
  type ResponsePart,
  withAskedHeaders,
} from "../exchange.ts";
import { requestLimits } from "../limits.ts";
import { errorAnswer } from "../surface.ts";
import { applyAsk } from "./ask-effects.ts";
import { applyPatch, type Patch, PatchError } from "./json-patch.ts";
import { Refused, StepFailure } from "./step-failure.ts";

/** What the host decides about: framing, connection, the request's id. */
const hostsOwn = new Set([
  "connection",
  "content-length",
  "date",
  "keep-alive",
  "server-timing",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "x-request-id",
  "x-sandgate-attempts",
  "x-sandgate-debug",
  "x-sandgate-target",
]);

/**
 * Applies the effects of one step in order, all or none.
 * @param tenant of the step's binding, who may send requests to what is its own.
 * @returns true when the step has decided what becomes of the request, which ends the stage: it has answered, or asks for
 * another attempt and gets it.
 * @throws StepFailure `error` when one cannot be applied: a patch without its target, a header that only the host may set, …
 */
export function applyEffects(
  effects: readonly Effect[],
  exchange: Exchange,
  tenant: string | null = null,
): boolean {
  // Parts of an exchange are replaced, never changed, so this copy is a draft of all of it.
  const draft = { ...exchange };
  for (const [index, effect] of effects.entries()) {
    try {
      apply(draft, effect, tenant);
    } catch (thrown) {
      if (!(thrown instanceof Refused || thrown instanceof PatchError)) throw thrown;
      throw new StepFailure("error", `output/effects/${index} (${effect.type}): ${thrown.message}`);
    }
  }
  Object.assign(exchange, draft);
  return exchange.again !== null || effects.some(({ type }) => type === "respond");
}

/**
 * Tries out whether the effects of a step that only observes could be applied; nothing is. A body that passes is not held
 * back for such a step, so what it asks for there is not tried.
 * @returns false: such a step decides nothing.
 * @throws StepFailure as `applyEffects`
 */
export function tryEffects(effects: readonly Effect[], exchange: Exchange, tenant: string | null): false {
  const isPassing = exchange.response?.body.kind === "stream";
  applyEffects(
    isPassing ? effects.filter((effect) => !changesAnswer(effect)) : effects,
    { ...exchange },
    tenant,
  );
  return false;
}

function changesAnswer(effect: Effect): boolean {
  return (effect.type === "replace-body" || effect.type === "patch-body") && effect.on === "response";
}

function apply(exchange: Exchange, effect: Effect, tenant: string | null): void {
  switch (effect.type) {
    case "set-header":
      setHeader(exchange, effect.on, { name: effect.name, value: effect.value });
      break;
    case "remove-header":
      setHeader(exchange, effect.on, { name: effect.name, value: null });
      break;
    case "set-query":
      exchange.request = {
        ...exchange.request,
        query: withParameter(exchange.request.query, effect.name, effect.value),
      };
      break;
    case "remove-query":
      exchange.request = {
        ...exchange.request,
        query: withParameter(exchange.request.query, effect.name, null),
      };
      break;
    case "set-path":
      if (pathSegments(effect.path) === null) throw new Refused("the path is ambiguous or malformed");
      requireLength("path", effect.path, requestLimits.pathBytes);
      exchange.request = { ...exchange.request, path: effect.path };
      break;
    case "replace-body":
      setBody(exchange, effect.on, jsonBody(effect.body));
      break;
    case "patch-body":
      patchBody(exchange, effect.on, effect.patch);
      break;
    case "respond":
      exchange.response = withAskedHeaders(exchange, answerOf(exchange, effect));
      break;
    case "identify":
      exchange.consumer = effect.consumer;
      break;
    case "tag":
      exchange.tags = { ...exchange.tags, [effect.name]: effect.value };
      break;
    case "retry":
    case "fallback":
    case "target":
    case "service":
    case "model":
      applyAsk(exchange, effect, tenant);
      break;
    case "event":
      // A decision about the stream, which takes it from the effects itself.
      break;
    case "health":
      throw new Refused("only schedule can say which target is healthy");
    default:
      effect satisfies never;
  }
}

type Field = { readonly name: string; readonly value: string | null };

function setHeader(exchange: Exchange, on: "request" | "response", field: Field): void {
  const { name, value } = requireHeader(field);
  if (on === "request") {
    exchange.request = { ...exchange.request, headers: withField(exchange.request.headers, name, value) };
  } else if (exchange.response !== null) {
    exchange.response = { ...exchange.response, headers: withField(exchange.response.headers, name, value) };
  } else {
    exchange.responseHeaders = withEntry(exchange.responseHeaders, name, value);
  }
}

/** RFC 9110 5.5: what a field value is made of. Undici and Node write values as latin1. */
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/;

function requireHeader({ name, value }: Field): Field {
  const lower = name.toLowerCase();
  if (hostsOwn.has(lower)) throw new Refused(`only the host sets ${lower}`);
  if (value !== null && !fieldValue.test(value)) {
    throw new Refused(`the value of ${lower} has characters that no header may have`);
  }
  return { name: lower, value };
}

function withField<Value>(
  fields: Readonly<Record<string, Value>>,
  name: string,
  value: Value | null,
): Readonly<Record<string, Value>> {
  if (value !== null) return withEntry(fields, name, value);
  const { [name]: _removed, ...rest } = fields;
  return Object.assign(Object.create(null), rest);
}

function withEntry<Value>(
  fields: Readonly<Record<string, Value>>,
  name: string,
  value: Value,
): Readonly<Record<string, Value>> {
  return Object.assign(Object.create(null), fields, { [name]: value });
}

/** What the client wrote stays as it is, to the letter: readers of `+`, `%20` and a name without `=` differ. */
function withParameter(query: string, name: string, value: string | null): string {
  const parameters = query
    .slice(1)
    .split("&")
    .filter((parameter) => parameter !== "" && nameOf(parameter) !== name);
  if (value !== null) parameters.push(`${encoded(name)}=${encoded(value)}`);
  const changed = parameters.length === 0 ? "" : `?${parameters.join("&")}`;
  requireLength("query", changed, requestLimits.headerBytes);
  return changed;
}

function nameOf(parameter: string): string | undefined {
  return new URLSearchParams(`&${parameter}`).keys().next().value;
}

function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

function requireLength(what: string, text: string, bytes: number): void {
  if (text.length > bytes) throw new Refused(`the ${what} would have more than ${bytes} bytes`);
}

function setBody(exchange: Exchange, on: "request" | "response", body: Body): void {
  if (on === "request") {
    const headers = withField(exchange.request.headers, "content-type", contentTypes[body.kind] ?? null);
    exchange.request = { ...exchange.request, body, headers };
    return;
  }
  const answer = exchange.response;
  if (answer === null) throw new Refused("there is no response");
  if (answer.body.kind === "stream")
    throw new Refused("the answer is an event stream; its body cannot be replaced");
  exchange.response = { ...answer, body, headers: describing(answer.headers, body) };
}

const contentTypes: Partial<Record<Body["kind"], string>> = {
  json: "application/json; charset=utf-8",
  text: "text/plain; charset=utf-8",
};

/** The headers without what was true of another body. */
function describing(headers: ResponsePart["headers"], body: Body): ResponsePart["headers"] {
  const rest = withField(withField(headers, "content-length", null), "etag", null);
  return withField(rest, "content-type", contentTypes[body.kind] ?? null);
}

function patchBody(exchange: Exchange, on: "request" | "response", patch: Patch): void {
  const json = bodyJson(exchange[on]?.body ?? noBody);
  if (json === undefined) throw new Refused(`the ${on} has no JSON body`);
  setBody(exchange, on, { kind: "json", json: applyPatch(json, patch) });
}

/** A string is text, any other value JSON. */
function jsonBody(value: Json): Body {
  return typeof value === "string" ? { kind: "text", text: value } : { kind: "json", json: value };
}

const bodiless: ReadonlySet<number> = new Set([204, 205, 304]);

function answerOf(
  { surface, id }: Exchange,
  { status, headers = {}, body, error }: Extract<Effect, { type: "respond" }>,
): ResponsePart {
  const own = Object.entries(headers).map(([name, value]) => requireHeader({ name, value }));
  const ownHeaders = Object.fromEntries(own.map(({ name, value }) => [name, value ?? ""]));
  if (error !== undefined) {
    if (status < 400) throw new Refused(`${status} is no status of an error`);
    const answer = errorAnswer(
      surface,
      { status, code: error.code ?? "blocked", message: error.message },
      id,
    );
    return {
      status,
      headers: { ...answer.headers, ...ownHeaders },
      body: { kind: "bytes", bytes: Buffer.from(answer.body), json: undefined },
    };
  }
  const made = body === undefined || bodiless.has(status) ? noBody : jsonBody(body);
  const type = contentTypes[made.kind];
  return {
    status,
    headers: { ...(type === undefined ? {} : { "content-type": type }), ...ownHeaders },
    body: made,
  };
}
