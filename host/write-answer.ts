import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import type { Answer } from "./answer.ts";
import { requestLimits } from "./limits.ts";

/**
 * Writes as fast as the client reads. Cuts the connection when the body fails: half an answer must not look
 * whole. The connection ends with a `last` answer, and with one to a request that is not read to its end.
 */
export async function writeAnswer(
  response: ServerResponse,
  { status, headers, body }: Answer,
  { last }: { readonly last: boolean },
): Promise<void> {
  // The exchange has heard of it by its signal.
  if (response.destroyed) return;
  const { req: request } = response;
  const fields = last || !request.complete ? { ...headers, connection: "close" } : headers;
  response.writeHead(status, fields as Record<string, string | string[]>);
  if (body !== null && !(body instanceof Uint8Array)) {
    response.flushHeaders();
    const chunks = request.httpVersion === "1.0" ? resetting(body, response) : body;
    // It destroys the response when it fails.
    await pipeline(chunks, response).catch(() => {});
  } else if (request.complete) {
    response.end(body ?? undefined);
  } else {
    response.flushHeaders();
    if (body !== null) response.write(body);
    await readRest(request);
    response.end();
  }
}

/** HTTP/1.0 takes the end of the connection for the end of the answer, unless it is a reset. */
async function* resetting(body: AsyncIterable<Uint8Array>, { socket }: ServerResponse) {
  try {
    yield* body;
  } catch (thrown) {
    socket?.resetAndDestroy();
    throw thrown;
  }
}

/**
 * Reads what remains of a request that is answered already, for a while: to close over unread bytes is a
 * reset, which takes the answer with it.
 */
async function readRest(request: IncomingMessage): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, requestLimits.lingerMs);
  request.once("end", resolve).once("close", resolve).resume();
  await promise;
  clearTimeout(timer);
}
