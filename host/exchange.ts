import type { Json } from "#sdk/abi/from-schema.ts";
import type { Usage } from "#sdk/abi/input.ts";
import type { GatewayError } from "./errors.ts";
import type { Reach } from "./reach.ts";
import type { Surface } from "./surface.ts";

/** Header fields by lower-case name. No prototype: a client may well send `constructor`. */
export type Headers = Readonly<Record<string, string>>;

/**
 * A message body: the bytes as they came, or the value that replaced them. Bytes that nothing changed are
 * sent on as they are.
 */
export type Body =
  | { readonly kind: "none" }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array; readonly json: Json | undefined }
  | { readonly kind: "json"; readonly json: Json }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "stream"; readonly chunks: AsyncIterable<Uint8Array> };

export const noBody: Body = { kind: "none" };

export type RequestPart = {
  readonly method: string;
  readonly path: string;
  /** With its `?`, or empty. */
  readonly query: string;
  readonly headers: Headers;
  readonly body: Body;
};

export type ResponsePart = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Body;
};

/** One request on its way through the gateway. Parts are replaced, never changed in place. */
export type Exchange = {
  readonly id: string;
  /** `performance.now()` at the first byte, milliseconds. */
  readonly startedMs: number;
  readonly surface: Surface;
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal;
  request: RequestPart;
  /** Null until a plugin or an upstream has answered. */
  response: ResponsePart | null;
  /** Header changes asked for before there was a response; null removes. */
  responseHeaders: Readonly<Record<string, string | null>>;
  error: GatewayError | null;
  /** While the error stage runs for an attempt at an upstream that has failed: what is left for others; else null. */
  budget: AttemptBudget | null;
  /** What the error stage has asked for: another attempt at an upstream. */
  again: Again | null;
  /** Attempts at upstreams so far. */
  attempt: number;
  /** Keys of the targets of these attempts, the one that was asked last at the end. */
  readonly tried: Set<string>;
  /** The target that is asked first, and then that was asked last, by its URL; null: the service decides. */
  target: string | null;
  /** What a plugin may send this request to. */
  reach: Reach;
  /** Owner of the route; null: the operator. */
  tenant: string | null;
  route: string | null;
  service: string | null;
  consumer: string | null;
  groups: readonly string[];
  tags: Readonly<Record<string, string>>;
  /** Tokens, as far as they are known; asked for only where a hook reads them. */
  usage: () => Usage | undefined;
  /** Whether the upstream has answered with an event stream. */
  isStream: boolean;
  /** From sending to the upstream's first header byte, milliseconds; null when it was not asked. */
  upstreamMs: number | null;
  /** What the request has waited for plugins, milliseconds. */
  pluginMs: number;
};

/** What the host grants to those who ask for another attempt. */
export type AttemptBudget = {
  readonly left: number;
  /** `performance.now()` when the last one may begin. */
  readonly untilMs: number;
  /** How long the upstream that failed wants to be left alone. */
  readonly retryAfterMs: number;
};

/** One attempt at an upstream that is over. */
export type AttemptReport = {
  readonly requestId: string;
  /** From 1. */
  readonly attempt: number;
  readonly service: string;
  /** As the config has it; null without an address. */
  readonly target: string | null;
  /** The status of the answer; null when there was none. */
  readonly status: number | null;
  /** Why it failed; null when it did not. */
  readonly error: GatewayError | null;
  /** Whether another one follows. */
  readonly again: boolean;
};

/** Another attempt, as `retry` or `fallback` asks for it. */
export type Again =
  | { readonly kind: "retry"; readonly target: "same" | "next"; readonly delayMs: number }
  | { readonly kind: "fallback" };

/** The first response of an exchange, with the header changes that were asked for before there was one. */
export function withAskedHeaders(
  { responseHeaders }: Pick<Exchange, "responseHeaders">,
  response: ResponsePart,
): ResponsePart {
  const headers = { ...response.headers, ...responseHeaders };
  const kept = Object.entries(headers).filter(([, value]) => value !== null);
  return { ...response, headers: Object.fromEntries(kept) as ResponsePart["headers"] };
}

/** The value of a JSON body, or undefined when there is none. */
export function bodyJson(body: Body): Json | undefined {
  return body.kind === "bytes" || body.kind === "json" ? body.json : undefined;
}

/** The model that a JSON body names; undefined when it names none. */
export function bodyModel(body: Body): string | undefined {
  const json = bodyJson(body);
  if (typeof json !== "object" || json === null || !Object.hasOwn(json, "model")) return undefined;
  const { model } = json as { readonly model: Json };
  return typeof model === "string" ? model : undefined;
}

/** The bytes to send; null when there is no body. A stream has no bytes yet. */
export function bodyBytes(body: Exclude<Body, { kind: "stream" }>): Uint8Array | null {
  switch (body.kind) {
    case "none":
      return null;
    case "bytes":
      return body.bytes;
    case "json":
      return Buffer.from(JSON.stringify(body.json));
    case "text":
      return Buffer.from(body.text);
    default:
      return body satisfies never;
  }
}
