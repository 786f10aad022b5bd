import { performance } from "node:perf_hooks";
import { GatewayError, toGatewayError } from "./errors.ts";
import { bodyBytes, type Exchange, type ResponsePart } from "./exchange.ts";
import { upstreamLimits } from "./limits.ts";
import { StreamStopped } from "./pipeline/event-step.ts";
import { rememberRecent } from "./resolve/recent.ts";
import { errorAnswer, errorEvent } from "./surface.ts";
import type { ForwardAnswer } from "./upstream/forward.ts";
import { wholeBody } from "./upstream/whole-body.ts";

/** What goes to the client. */
export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** Chunks are pulled as fast as the client reads; when they throw, the connection is to be cut. */
  readonly body: Uint8Array | AsyncIterable<Uint8Array> | null;
  /** Call it when the answer is over: `complete` when its last byte was handed to the client's connection. */
  readonly finish: (complete: boolean) => Promise<void>;
};

/** The response of an exchange, on the wire. */
export function answerParts(exchange: Exchange): Omit<Answer, "finish"> {
  const { response, surface, id } = exchange;
  if (response === null) throw new Error("an exchange ended without a response");
  const { body } = response;
  const sent = body.kind === "stream" ? body.chunks : bodyBytes(body);
  return {
    status: response.status,
    headers: {
      ...response.headers,
      ...(sent instanceof Uint8Array ? { "content-length": String(sent.length) } : {}),
      "x-request-id": id,
      ...(surface === "anthropic" ? { "request-id": id } : {}),
      "server-timing": serverTiming(exchange),
      ...attemptHeaders(exchange),
    },
    body: sent,
  };
}

/** How many upstreams were asked, 0 where a plugin has answered, and which one last, without its path. */
function attemptHeaders({ attempt, target }: Exchange): Record<string, string> {
  const attempts = { "x-sandgate-attempts": String(attempt) };
  return attempt === 0 || target === null
    ? attempts
    : { ...attempts, "x-sandgate-target": addresses(target, () => new URL(target)).host };
}

/** By their texts, which the config has: to read one costs more than to write the rest of these headers. */
const addresses = rememberRecent<URL>(1_000);

/** https://www.w3.org/TR/server-timing/, milliseconds. */
function serverTiming({ startedMs, upstreamMs, pluginMs }: Exchange): string {
  const upstream = upstreamMs === null ? "" : `upstream;dur=${upstreamMs.toFixed(2)}, `;
  const totalMs = performance.now() - startedMs;
  return `plugins;dur=${pluginMs.toFixed(2)}, ${upstream}total;dur=${totalMs.toFixed(2)}`;
}

/** The response to a failed exchange, in the shape of the API that the client speaks. */
export function errorResponse({ surface, id }: Exchange, error: GatewayError): ResponsePart {
  const { status, headers, body } = errorAnswer(surface, error, id);
  return { status, headers, body: { kind: "bytes", bytes: Buffer.from(body), json: undefined } };
}

/**
 * The upstream's body on its way to the client. When it fails in the middle the exchange has the error: an event
 * stream then ends with the error event of its API, anything else by throwing. So it ends where a plugin stops it, which is no error.
 */
export async function* relay(exchange: Exchange, answer: ForwardAnswer): AsyncGenerator<Uint8Array> {
  try {
    yield* answer.body;
  } catch (thrown) {
    if (thrown instanceof StreamStopped) {
      yield Buffer.from(errorEvent(exchange.surface, thrown.answer));
      return;
    }
    const error = toGatewayError(thrown);
    exchange.error = error;
    if (!answer.eventStream || error.code === "client_closed") throw error;
    yield Buffer.from(errorEvent(exchange.surface, error));
  } finally {
    // Also when the client left and nobody reads on.
    answer.discard();
  }
}

/** The same chunks; keeps a copy for completion steps, unless it is longer than the host holds. */
export async function* copying(
  chunks: AsyncIterable<Uint8Array>,
  keep: (bytes: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  let copy: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length <= upstreamLimits.bufferedBodyBytes) copy.push(chunk);
    else copy = [];
    yield chunk;
  }
  if (length <= upstreamLimits.bufferedBodyBytes) keep(Buffer.concat(copy));
}

/** @throws {GatewayError} `upstream_invalid` when the body is longer than the host holds, and what reading it throws. */
export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > upstreamLimits.bufferedBodyBytes) {
      throw new GatewayError("upstream_invalid", "The upstream's answer is longer than plugins can look at.");
    }
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

/** A response with its whole body at hand. */
export function withBytes(response: ResponsePart, bytes: Uint8Array): ResponsePart {
  return { ...response, body: wholeBody(bytes) };
}
