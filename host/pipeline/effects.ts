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
import { effectLimits, requestLimits } from "../limits.ts";
import { errorAnswer } from "../surface.ts";
import { applyAsk } from "./ask-effects.ts";
import { applyPatch, type Patch, type PatchBudget, PatchError, patchBudget } from "./json-patch.ts";
import { type QueryParameters, readParameters } from "./query-parameters.ts";
import { createRecordDrafts, type RecordDrafts } from "./record-drafts.ts";
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
  const means: Means = { tenant, budget: patchBudget(), drafts: createRecordDrafts(), query: null };
  for (const [index, effect] of effects.entries()) {
    try {
      apply(draft, effect, means);
    } catch (thrown) {
      if (!(thrown instanceof Refused || thrown instanceof PatchError)) throw thrown;
      throw new StepFailure("error", `output/effects/${index} (${effect.type}): ${thrown.message}`);
    }
  }
  if (means.query !== null) draft.request = { ...draft.request, query: means.query.text() };
  requireRoom(draft, exchange);
  Object.assign(exchange, draft);
  return exchange.again !== null || effects.some(({ type }) => type === "respond");
}

/**
 * What the effects of one call share. A plugin chooses a thousand effects, and with a client what they are applied to, and all of it
 * is done at a stretch: the work of one effect must not grow with what there is.
 */
type Means = {
  readonly tenant: string | null;
  /** Of all patches together. */
  readonly budget: PatchBudget;
  readonly drafts: RecordDrafts;
  /** Once an effect has changed it; the exchange gets its text at the end. */
  query: QueryParameters | null;
};

/**
 * Headers and tags grow from step to step, and tags with every event of a stream.
 * @throws StepFailure when there is too much of what the effects have changed.
 */
function requireRoom(draft: Exchange, before: Exchange): void {
  const { headerBytes, tagBytes } = effectLimits;
  const grown = [
    ["headers of the request", draft.request.headers, before.request.headers, headerBytes],
    ["headers of the answer", draft.response?.headers, before.response?.headers, headerBytes],
    ["headers of the answer", draft.responseHeaders, before.responseHeaders, headerBytes],
    ["tags", draft.tags, before.tags, tagBytes],
  ] as const;
  for (const [what, record = {}, earlier, most] of grown) {
    if (record !== earlier && charsOf(record) > most) {
      throw new StepFailure(
        "error",
        `output/effects: the ${what} would have more than ${most} bytes together`,
      );
    }
  }
}

function charsOf(record: Readonly<Record<string, string | readonly string[] | null>>): number {
  let chars = 0;
  for (const name in record) chars += name.length + String(record[name] ?? "").length;
  return chars;
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

function apply(exchange: Exchange, effect: Effect, means: Means): void {
  switch (effect.type) {
    case "set-header":
      setHeader(exchange, effect.on, { name: effect.name, value: effect.value }, means.drafts);
      break;
    case "remove-header":
      setHeader(exchange, effect.on, { name: effect.name, value: null }, means.drafts);
      break;
    case "set-query":
    case "remove-query":
      means.query ??= readParameters(exchange.request.query);
      means.query.set(effect.name, effect.type === "set-query" ? effect.value : null);
      break;
    case "set-path":
      if (pathSegments(effect.path) === null) throw new Refused("the path is ambiguous or malformed");
      requireLength("path", effect.path, requestLimits.pathBytes);
      exchange.request = { ...exchange.request, path: effect.path };
      break;
    case "replace-body":
      setBody(exchange, effect.on, jsonBody(effect.body), means.drafts);
      break;
    case "patch-body":
      patchBody(exchange, effect.on, effect.patch, means);
      break;
    case "respond":
      exchange.response = withAskedHeaders(exchange, answerOf(exchange, effect));
      break;
    case "identify":
      exchange.consumer = effect.consumer;
      break;
    case "tag":
      exchange.tags = means.drafts.set(exchange.tags, effect.name, effect.value);
      break;
    case "retry":
    case "fallback":
    case "target":
    case "service":
    case "model":
      applyAsk(exchange, effect, means);
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

function setHeader(exchange: Exchange, on: "request" | "response", field: Field, drafts: RecordDrafts): void {
  const { name, value } = requireHeader(field);
  if (on === "request") {
    const { request } = exchange;
    exchange.request = { ...request, headers: withField(request.headers, { name, value }, drafts) };
  } else if (exchange.response !== null) {
    const { response } = exchange;
    exchange.response = { ...response, headers: withField(response.headers, { name, value }, drafts) };
  } else {
    exchange.responseHeaders = drafts.set(exchange.responseHeaders, name, value);
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
  { name, value }: { readonly name: string; readonly value: Value | null },
  drafts: RecordDrafts,
): Readonly<Record<string, Value>> {
  return value === null ? drafts.remove(fields, name) : drafts.set(fields, name, value);
}

function requireLength(what: string, text: string, bytes: number): void {
  if (text.length > bytes) throw new Refused(`the ${what} would have more than ${bytes} bytes`);
}

function setBody(exchange: Exchange, on: "request" | "response", body: Body, drafts: RecordDrafts): void {
  if (on === "request") {
    const type = { name: "content-type", value: contentTypes[body.kind] ?? null };
    const headers = withField(exchange.request.headers, type, drafts);
    exchange.request = { ...exchange.request, body, headers };
    return;
  }
  const answer = exchange.response;
  if (answer === null) throw new Refused("there is no response");
  if (answer.body.kind === "stream")
    throw new Refused("the answer is an event stream; its body cannot be replaced");
  exchange.response = { ...answer, body, headers: describing(answer.headers, body, drafts) };
}

const contentTypes: Partial<Record<Body["kind"], string>> = {
  json: "application/json; charset=utf-8",
  text: "text/plain; charset=utf-8",
};

/** The headers without what was true of another body. */
function describing(
  headers: ResponsePart["headers"],
  body: Body,
  drafts: RecordDrafts,
): ResponsePart["headers"] {
  const gone = ["content-length", "etag"].reduce((left, name) => drafts.remove(left, name), headers);
  return withField(gone, { name: "content-type", value: contentTypes[body.kind] ?? null }, drafts);
}

function patchBody(exchange: Exchange, on: "request" | "response", patch: Patch, means: Means): void {
  const json = bodyJson(exchange[on]?.body ?? noBody);
  if (json === undefined) throw new Refused(`the ${on} has no JSON body`);
  setBody(exchange, on, { kind: "json", json: applyPatch(json, patch, means.budget) }, means.drafts);
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
