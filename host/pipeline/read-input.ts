import type { Step } from "#host/resolve/step.ts";
import type { Json } from "#sdk/abi/from-schema.ts";
import type { EventInfo } from "#sdk/abi/input.ts";
import { credentialHeaders, isCredentialParameter } from "../credentials.ts";
import { type Body, bodyJson, type Exchange } from "../exchange.ts";
import { streamLimits } from "../limits.ts";
import { StepFailure } from "./step-failure.ts";

/** A part of the input by its members; without prototype, because a header or a member may be `__proto__`. */
type Part = { [member: string]: unknown };

/** Puts what one entry of `reads` names into the input. */
type Read = (input: Part, exchange: Exchange) => void;

const compiled = new WeakMap<Step, readonly Read[]>();

/**
 * The input of a step as JSON: `stage`, and of the exchange what the manifest's `reads` names and nothing else.
 * What is not there (no error, a header that was not sent, a body that is no JSON) is absent; the `request`, `response`
 * and `headers` around it are not. Credentials are absent too: a header that holds one is there when it is named itself,
 * a parameter never.
 */
export function readInput(step: Step, exchange: Exchange): string {
  let reads = compiled.get(step);
  if (reads === undefined) {
    reads = step.reads.map(compileRead);
    compiled.set(step, reads);
  }
  const input = part();
  put(input, "stage", step.stage);
  for (const read of reads) read(input, exchange);
  return JSON.stringify(input);
}

/**
 * Makes the inputs of a step for the events of one stream. What does not change while it lasts, which may be a long
 * conversation, is written once.
 * @throws StepFailure when that is more than the plugin may get with each of them
 */
export function eventInputs(step: Step, exchange: Exchange): (event: EventInfo) => string {
  const isContext = (path: string) => /^context(\.|$)/.test(path);
  const changing = step.reads.filter(isContext).map(compileRead);
  const readsEvent = step.reads.includes("event");
  const fixed = part();
  put(fixed, "stage", step.stage);
  for (const path of step.reads) if (!isContext(path)) compileRead(path)(fixed, exchange);
  const start = JSON.stringify(fixed).slice(0, -1);
  if (start.length > streamLimits.besideEventChars) {
    throw new StepFailure(
      "rejected",
      `beside the event it reads ${start.length} characters, which it would get with each; ${streamLimits.besideEventChars} are allowed`,
    );
  }
  return (event) => {
    const input = part();
    for (const read of changing) read(input, exchange);
    if (readsEvent) put(input, "event", event);
    const end = JSON.stringify(input).slice(1);
    return end === "}" ? `${start}}` : `${start},${end}`;
  };
}

function part(): Part {
  return Object.create(null) as Part;
}

/** The part `name` of the input; several entries of `reads` may fill it. */
function inside(input: Part, name: string): Part {
  input[name] ??= part();
  return input[name] as Part;
}

function put(into: Part, name: string, value: unknown): void {
  if (value !== undefined) into[name] = value;
}

/** `path` is a valid entry of `reads`: `request`, `request.headers.x-team`, `request.body#/model`, `context.route`. */
function compileRead(path: string): Read {
  const [, root = "", member, rest = ""] = /^(\w+)(?:\.(\w+))?[.#]?(.*)$/s.exec(path) ?? [];
  const members: Readonly<Record<string, Read>> = membersOf[root as keyof typeof membersOf];
  if (member === undefined) {
    const all = Object.values(members);
    return (input, exchange) => {
      for (const read of all) read(input, exchange);
    };
  }
  if (rest === "") return Object.entries(members).find(([name]) => name === member)?.[1] ?? (() => {});
  return member === "headers" ? readHeader(root as "request" | "response", rest) : readPointer(rest);
}

function readHeader(root: "request" | "response", name: string): Read {
  return (input, exchange) => {
    const headers = exchange[root]?.headers;
    if (headers === undefined) return;
    const shown = inside(inside(input, root), "headers");
    if (Object.hasOwn(headers, name)) put(shown, name, joined(headers[name]));
  };
}

/** One member of the request body by RFC 6901 pointer, in its place: `/a/b` is `{"body":{"a":{"b":…}}}`. */
function readPointer(pointer: string): Read {
  const tokens = pointer
    .slice(1)
    .split("/")
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
  const last = tokens.pop() ?? "";
  return (input, exchange) => {
    const shown = inside(input, "request");
    const value = [...tokens, last].reduce<Json | undefined>(ownMember, bodyJson(exchange.request.body));
    if (value === undefined) return;
    const parent = ["body", ...tokens].reduce<Part | null>(insideOwn, shown);
    if (parent !== null) put(parent, last, value);
  };
}

/** As `inside`; null where another entry has put a value of the exchange itself, which holds this one already. */
function insideOwn(parent: Part | null, name: string): Part | null {
  if (parent === null) return null;
  const found = inside(parent, name);
  return typeof found === "object" && Object.getPrototypeOf(found) === null ? found : null;
}

function ownMember(value: Json | undefined, token: string): Json | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, token) ? (value as { readonly [name: string]: Json })[token] : undefined;
}

const request =
  (read: (request: Exchange["request"]) => [name: string, value: unknown]): Read =>
  (input, exchange) =>
    put(inside(input, "request"), ...read(exchange.request));

const response =
  (
    read: (exchange: Exchange, answer: NonNullable<Exchange["response"]>) => [name: string, value: unknown],
  ): Read =>
  (input, exchange) => {
    if (exchange.response !== null) put(inside(input, "response"), ...read(exchange, exchange.response));
  };

const context =
  (name: string, read: (exchange: Exchange) => unknown): Read =>
  (input, exchange) =>
    put(inside(input, "context"), name, read(exchange) ?? undefined);

/** Every part that `reads` can name, by the members of the ABI's input schema. */
const membersOf = {
  request: {
    method: request(({ method }) => ["method", method]),
    path: request(({ path }) => ["path", path]),
    query: request(({ query }) => ["query", parameters(query)]),
    headers: (input, exchange) => {
      const shown = inside(inside(input, "request"), "headers");
      for (const [name, field] of Object.entries(exchange.request.headers)) {
        if (!credentialHeaders.has(name)) shown[name] = field;
      }
    },
    body: request(({ body }) => ["body", value(body)]),
  },
  response: {
    status: response((_exchange, { status }) => ["status", status]),
    headers: response((_exchange, { headers }) => ["headers", allJoined(headers)]),
    body: response((_exchange, { body }) => ["body", value(body)]),
    usage: response(({ usage }) => ["usage", usage()]),
  },
  /** Delivered by `eventInputs`. */
  event: {},
  error: { error: (input, { error }) => put(input, "error", error === null ? undefined : errorInfo(error)) },
  context: {
    requestId: context("requestId", ({ id }) => id),
    service: context("service", ({ service }) => service),
    route: context("route", ({ route }) => route),
    consumer: context("consumer", ({ consumer }) => consumer),
    groups: context("groups", ({ groups }) => groups),
    tenant: context("tenant", ({ tenant }) => tenant),
    attempt: context("attempt", ({ attempt }) => attempt),
    targets: context("targets", ({ service, reach }) => (service === null ? null : reach.targets(service))),
    tags: context("tags", ({ tags }) => tags),
    durationMs: context(
      "durationMs",
      ({ startedMs }) => Math.round((performance.now() - startedMs) * 1000) / 1000,
    ),
  },
} as const satisfies Record<string, Record<string, Read>>;

function value(body: Body): Json | undefined {
  return body.kind === "text" ? body.text : bodyJson(body);
}

/** By name, the first of a repeated one. */
function parameters(query: string): Part {
  const found = part();
  for (const [name, text] of new URLSearchParams(query)) {
    if (!isCredentialParameter(name)) found[name] ??= text;
  }
  return found;
}

function joined(field: string | readonly string[] | undefined): string | undefined {
  return typeof field === "object" ? field.join(", ") : field;
}

function allJoined(headers: NonNullable<Exchange["response"]>["headers"]): Part {
  return Object.assign(
    part(),
    Object.fromEntries(Object.entries(headers).map(([name, field]) => [name, joined(field)])),
  );
}

function errorInfo({
  code,
  status,
  blame,
  message,
  upstreamStatus,
  plugin,
}: NonNullable<Exchange["error"]>): object {
  return { code, status, blame, message, upstreamStatus, plugin };
}
