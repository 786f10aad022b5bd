import { GatewayError } from "./errors.ts";
import { type Body, type Exchange, type Headers, noBody } from "./exchange.ts";
import { parseClientJson } from "./json.ts";
import { noReach } from "./reach.ts";
import { surfaceOf } from "./surface.ts";

/** A request as the server hands it on. */
export type Incoming = {
  readonly id: string;
  /** `performance.now()` at the first byte. */
  readonly startedMs: number;
  readonly method: string;
  /** Path and query as the client sent them. */
  readonly url: string;
  readonly headers: Headers;
  /**
   * The whole body; empty when there is none.
   * @throws {GatewayError} `body_too_large`, `client_closed`
   */
  readonly readBody: () => Promise<Uint8Array>;
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal;
};

/** The exchange at its start: the body is not read and nothing is known of route and consumer. */
export function createExchange({ id, startedMs, method, url, headers, signal }: Incoming): Exchange {
  const cut = url.indexOf("?");
  const path = cut === -1 ? url : url.slice(0, cut);
  return {
    id,
    startedMs,
    surface: surfaceOf(path),
    signal,
    request: { method, path, query: cut === -1 ? "" : url.slice(cut), headers, body: noBody },
    response: null,
    responseHeaders: {},
    error: null,
    budget: null,
    again: null,
    attempt: 0,
    tried: new Set(),
    target: null,
    reach: noReach,
    tenant: null,
    route: null,
    service: null,
    consumer: null,
    groups: [],
    tags: {},
    usage: () => undefined,
    isStream: false,
    upstreamMs: null,
    pluginMs: 0,
  };
}

/** Passed on as they are: uploads of files, audio and images. */
const opaque = /^(multipart\/form-data|application\/octet-stream|(audio|image|video)\/[^;]+)\s*(;|$)/i;
const json = /^application\/([a-z0-9.-]+\+)?json\s*(;|$)/i;

/**
 * The body of a request by its content type.
 * @throws {GatewayError} `unsupported_media_type`, and what `parseClientJson` throws.
 */
export function parseBody(headers: Headers, bytes: Uint8Array): Body {
  if (bytes.length === 0) return noBody;
  const { "content-encoding": coding = "identity", "content-type": type = "" } = headers;
  if (coding.trim().toLowerCase() !== "identity") {
    throw new GatewayError(
      "unsupported_media_type",
      "The request body is encoded; send it without content-encoding.",
    );
  }
  if (json.test(type.trim())) return { kind: "bytes", bytes, json: parseClientJson(bytes) };
  if (opaque.test(type.trim())) return { kind: "bytes", bytes, json: undefined };
  throw new GatewayError(
    "unsupported_media_type",
    "The request's content type is not supported; JSON is sent as content-type: application/json.",
  );
}
