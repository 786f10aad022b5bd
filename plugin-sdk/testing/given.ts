import { isUtf8 } from "node:buffer";
import { performance } from "node:perf_hooks";
import { type ErrorCode, GatewayError } from "../../host/errors.ts";
import { type Body, type Exchange, noBody, type ResponsePart } from "../../host/exchange.ts";
import { createExchange, parseBody } from "../../host/incoming.ts";
import type { Json } from "../abi/from-schema.ts";
import type { EventInfo, Usage } from "../abi/input.ts";
import { otherUpstreams } from "./other-upstreams.ts";

/** Fields by name; an undefined one is absent. */
type Fields<Value> = { readonly [name: string]: Value | undefined };

/** A request as it reaches the hook. What is not given is absent; the manifest's `reads` decide what the hook sees. */
export type Given = {
  /** Default: POST. */
  readonly method?: string;
  /** Path and query. Default: /v1/chat/completions. */
  readonly url?: string;
  readonly headers?: Fields<string>;
  /** A text is JSON as the client wrote it; anything else is written as JSON. */
  readonly body?: Json | undefined;
  /** The answer so far. `post_request` gets one with status 200 when neither this nor `error` is given. */
  readonly response?: {
    /** Default: 200. */
    readonly status?: number;
    readonly headers?: Fields<string | readonly string[]>;
    /** As the request's. */
    readonly body?: Json | undefined;
  };
  /** Why the request failed. `code` is one of docs/errors.md, which says its status and blame. */
  readonly error?: {
    readonly code: ErrorCode;
    readonly message?: string;
    readonly upstreamStatus?: number | undefined;
    readonly plugin?: string | undefined;
  };
  /** Of `post_request_event`. Default: the first event of a stream, which says nothing, with nothing held. */
  readonly event?: Partial<EventInfo>;
  /** As the provider counted them. */
  readonly usage?: Usage;
  /** Which attempt at an upstream has failed, from 1. */
  readonly attempt?: number;
  /** Of the service. */
  readonly targets?: readonly { readonly url: string; readonly healthy: boolean }[];
  readonly route?: string;
  readonly service?: string;
  readonly consumer?: string;
  readonly groups?: readonly string[];
  readonly tags?: { readonly [name: string]: string };
};

let requests = 0;

/** The exchange that a request is. @throws {GatewayError} for a body that no plugin would see: the client gets an error */
export function exchangeOf(given: Given): Exchange {
  const {
    url = "/v1/chat/completions",
    method = "POST",
    body,
    response,
    error,
    targets = [],
    event: _event,
    ...context
  } = given;
  const headers = fieldsOf(given.headers ?? {});
  const text = body === undefined ? "" : textOf(body);
  if (text !== "") headers["content-type"] ??= "application/json";
  const exchange = createExchange({
    id: `request-${++requests}`,
    startedMs: performance.now(),
    method,
    url,
    headers,
    readBody: async () => new Uint8Array(0),
    signal: new AbortController().signal,
  });
  exchange.request = { ...exchange.request, body: parseBody(headers, Buffer.from(text)) };
  if (response !== undefined) exchange.response = responseOf(response);
  if (error !== undefined) exchange.error = errorOf(error);
  const { headers: _headers, usage, ...rest } = context;
  return Object.assign(exchange, otherUpstreams(error !== undefined, targets), rest, { usage: () => usage });
}

function responseOf({ status = 200, headers = {}, body }: NonNullable<Given["response"]>): ResponsePart {
  const fields = fieldsOf(headers);
  if (body === undefined) return { status, headers: fields, body: noBody };
  const text = textOf(body);
  return { status, headers: fields, body: { kind: "bytes", bytes: Buffer.from(text), json: jsonIn(text) } };
}

function errorOf({
  code,
  message = code,
  upstreamStatus,
  plugin,
}: NonNullable<Given["error"]>): GatewayError {
  return new GatewayError(code, message, {
    ...(upstreamStatus === undefined ? {} : { upstreamStatus }),
    ...(plugin === undefined ? {} : { plugin }),
  });
}

/** By lower-case name, as the server has them. */
function fieldsOf<Value>(fields: Fields<Value>): Record<string, Value> {
  const found: Record<string, Value> = Object.create(null);
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) found[name.toLowerCase()] = value;
  }
  return found;
}

function textOf(body: Json): string {
  return typeof body === "string" ? body : JSON.stringify(body);
}

function jsonIn(text: string): Json | undefined {
  try {
    return JSON.parse(text);
  } catch {
    // An answer that is no JSON is passed on; only its body is not there for plugins.
    return undefined;
  }
}

/** A body to compare with: its JSON value, or else its text, or else its bytes. */
export function bodyValue(body: Body): unknown {
  switch (body.kind) {
    case "none":
      return undefined;
    case "json":
      return body.json;
    case "text":
      return body.text;
    case "stream":
      return body.chunks;
    case "bytes": {
      if (body.json !== undefined) return body.json;
      if (!isUtf8(body.bytes)) return body.bytes;
      const text = Buffer.from(body.bytes).toString("utf8");
      return jsonIn(text) ?? text;
    }
    default:
      return body satisfies never;
  }
}
