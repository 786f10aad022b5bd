import { errors } from "undici";
import { GatewayError } from "#host/errors.ts";
import type { UpstreamAnswer, UpstreamRequest } from "./providers/provider.ts";
import type { Target } from "./target.ts";

/**
 * One HTTP exchange with a target. Redirects are not followed and nothing is repeated: a POST that was
 * half sent may have been billed.
 * @throws {GatewayError} `upstream_unreachable`, `upstream_timeout`, `upstream_reset`, `upstream_invalid` or
 * `client_closed`; the body throws the same while it is read.
 */
export async function send(target: Target, request: UpstreamRequest): Promise<UpstreamAnswer> {
  const { signal } = request;
  const answer = await target.pool
    .request({
      method: request.method as "POST",
      path: target.url(request.path, request.query),
      headers: request.headers,
      body: request.body,
      signal,
    })
    .catch((thrown: unknown) => {
      throw failure(thrown, signal, "before the answer began");
    });
  // Errors reach whoever reads; when nobody does, they must not end the process.
  answer.body.on("error", () => {});
  return {
    status: answer.statusCode,
    headers: answer.headers,
    body: readBody(answer.body, signal),
    secrets: target.key === null ? [] : [target.key],
    discard: () => answer.body.destroy(),
  };
}

async function* readBody(body: AsyncIterable<Uint8Array>, signal: AbortSignal) {
  try {
    yield* body;
  } catch (thrown) {
    throw failure(thrown, signal, "in the middle of the answer");
  }
}

/** Messages name neither address nor key: they are for the client. The cause is for the log. */
function failure(cause: unknown, signal: AbortSignal, when: string): GatewayError {
  if (signal.aborted) return new GatewayError("client_closed", "The client closed the request.", { cause });
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  if (cause instanceof errors.ConnectTimeoutError) {
    return new GatewayError("upstream_timeout", "The upstream did not accept a connection in time.", {
      cause,
    });
  }
  if (cause instanceof errors.HeadersTimeoutError) {
    return new GatewayError("upstream_timeout", "The upstream did not answer in time.", { cause });
  }
  if (cause instanceof errors.BodyTimeoutError) {
    return new GatewayError("upstream_timeout", "The upstream fell silent in the middle of the answer.", {
      cause,
    });
  }
  if (cause instanceof errors.HeadersOverflowError || code === "HPE_HEADER_OVERFLOW") {
    return new GatewayError("upstream_invalid", "The upstream's answer has too large headers.", { cause });
  }
  if (resetCodes.has(code)) {
    return new GatewayError("upstream_reset", `The upstream closed the connection ${when}.`, { cause });
  }
  if (code.startsWith("HPE_")) {
    return new GatewayError("upstream_invalid", "The upstream's answer is not valid HTTP.", { cause });
  }
  if (code === "UND_ERR_INVALID_ARG" || cause instanceof TypeError) {
    return new GatewayError("internal", "The gateway could not send this request to the upstream.", {
      cause,
    });
  }
  return new GatewayError("upstream_unreachable", "The upstream cannot be reached.", { cause });
}

const resetCodes = new Set([
  "ECONNRESET",
  "EPIPE",
  "HPE_INVALID_EOF_STATE",
  "UND_ERR_ABORTED",
  "UND_ERR_RES_CONTENT_LENGTH_MISMATCH",
  "UND_ERR_SOCKET",
]);
