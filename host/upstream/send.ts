import { errors } from "undici";
import { type ErrorCode, GatewayError } from "#host/errors.ts";
import { dispatch, type When } from "./dispatch.ts";
import type { UpstreamAnswer, UpstreamRequest } from "./providers/provider.ts";
import type { Target } from "./target.ts";

/**
 * One HTTP exchange with a target. Redirects are not followed and nothing is repeated: a POST that was
 * half sent may have been billed.
 * @throws {GatewayError} `upstream_unreachable`, `upstream_timeout`, `upstream_reset`, `upstream_invalid` or
 * `client_closed`; the body throws the same while it is read.
 */
export async function send(target: Target, request: UpstreamRequest): Promise<UpstreamAnswer> {
  const { signal, method, headers, body } = request;
  const asked = {
    method: method as "POST",
    path: target.pathOf(request.path, request.query),
    headers,
    body,
  };
  const failed = (cause: unknown, when: When) => failure(cause, signal, when);
  const reply = await dispatch(target.pool, asked, { signal, failed });
  return { ...reply, secrets: target.key === null ? [] : [target.key] };
}

/** Messages name neither address nor key: they are for the client. The cause is for the log. */
function failure(cause: unknown, signal: AbortSignal, when: When): GatewayError {
  const [code, message] = signal.aborted ? clientClosed : meaning(cause, when);
  return new GatewayError(code, message, { cause });
}

type Meaning = readonly [code: ErrorCode, message: string];

function meaning(cause: unknown, when: When): Meaning {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const known = meanings[code];
  if (known !== undefined) return known;
  if (isNotHttp(cause, code, when)) return notHttp;
  if (closedCodes.has(code) || when === "in the middle of the answer") {
    return ["upstream_reset", `The upstream closed the connection ${when}.`];
  }
  return ["upstream_unreachable", "The upstream cannot be reached."];
}

function isNotHttp(cause: unknown, code: string, when: When): boolean {
  // A parser that meets the end of the connection is right about the bytes before.
  if (cause instanceof errors.HTTPParserError) return !cause.message.includes("Invalid EOF state");
  // undici's words for 100 and 101, which nobody asked for, and for bytes before the request.
  if (cause instanceof errors.SocketError && cause.message.startsWith("bad ")) return true;
  if (code === "ERR_ASSERTION") return true;
  // Two lengths that contradict each other, not one that was not reached.
  return code === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH" && when === "before the answer began";
}

const clientClosed: Meaning = ["client_closed", "The client closed the request."];
const notHttp: Meaning = ["upstream_invalid", "The upstream's answer is not valid HTTP."];
const notInTime: Meaning = ["upstream_timeout", "The upstream did not answer in time."];

/** By the code of what undici or the system threw. */
const meanings: Readonly<Record<string, Meaning>> = {
  ETIMEDOUT: notInTime,
  UND_ERR_BODY_TIMEOUT: ["upstream_timeout", "The upstream fell silent in the middle of the answer."],
  UND_ERR_CONNECT_TIMEOUT: ["upstream_timeout", "The upstream did not accept a connection in time."],
  UND_ERR_HEADERS_OVERFLOW: ["upstream_invalid", "The upstream's answer has too large headers."],
  UND_ERR_HEADERS_TIMEOUT: notInTime,
  UND_ERR_INVALID_ARG: ["internal", "The gateway could not send this request to the upstream."],
};

const closedCodes = new Set([
  "ECONNRESET",
  "EPIPE",
  "UND_ERR_ABORTED",
  "UND_ERR_RES_CONTENT_LENGTH_MISMATCH",
  "UND_ERR_SOCKET",
]);
