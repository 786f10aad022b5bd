import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { pipeline } from "node:stream/promises";
import {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
} from "fastify";
import { durationMs, type GatewayConfig } from "#config/schema.ts";
import type { Answer } from "./answer.ts";
import { GatewayError } from "./errors.ts";
import type { Headers } from "./exchange.ts";
import type { Incoming } from "./incoming.ts";
import { requestLimits } from "./limits.ts";
import { errorAnswer, surfaceOf } from "./surface.ts";

export type ServerOptions = {
  /** Read when the server is made: Node's timeouts belong to the listening socket. */
  readonly limits: GatewayConfig["limits"];
  /** Largest body of the next request, bytes. */
  readonly bodyBytes: () => number;
  readonly handle: (incoming: Incoming) => Promise<Answer>;
  /** The gateway's own pages, by path. */
  readonly pages: Readonly<Record<string, () => Promise<Page> | Page>>;
  /** A failure outside of any request's own error handling. */
  readonly onFault: (fault: unknown) => void;
};

export type Page = { readonly status: number; readonly contentType: string; readonly body: string };

const mib = 1024 * 1024;

/** Bytes that a request's body may have. */
export function bodyLimit({ bodyMb }: GatewayConfig["limits"]): number {
  return bodyMb === undefined ? requestLimits.bodyBytes : Math.floor(bodyMb * mib);
}

/**
 * The HTTP side of the gateway, not listening yet. Fastify reads nothing of a body and writes nothing of an
 * answer: bytes go as `handle` says.
 */
export function createServer(options: ServerOptions): FastifyInstance {
  const { limits, pages } = options;
  const requestTimeout =
    limits.requestTimeout === undefined ? requestLimits.requestTimeoutMs : durationMs(limits.requestTimeout);
  const server = fastify({
    logger: false,
    genReqId: () => randomUUID(),
    requestTimeout,
    forceCloseConnections: "idle",
    return503OnClosing: false,
    http: {
      headersTimeout: Math.min(requestLimits.headersTimeoutMs, requestTimeout),
      maxHeaderSize: requestLimits.headerBytes,
    },
    routerOptions: { maxParamLength: requestLimits.headerBytes },
    clientErrorHandler: refuseConnection,
    // A path that the router cannot decode: the matcher has its own word on it.
    frameworkErrors: (_error, request, reply) => void serve(request, reply, options),
  });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser("*", (_request, _body, done) => done(null));
  for (const [path, page] of Object.entries(pages)) {
    server.get(path, async (_request, reply) => {
      const { status, contentType, body } = await page();
      return reply
        .code(status)
        .header("content-type", contentType)
        .header("cache-control", "no-store")
        .send(body);
    });
  }
  server.setNotFoundHandler((request, reply) => serve(request, reply, options));
  server.setErrorHandler((error: FastifyError, request, reply) => {
    options.onFault(error);
    const answer = errorAnswer(
      surfaceOf(request.url),
      new GatewayError("internal", "The gateway failed."),
      request.id,
    );
    return reply.code(answer.status).headers(answer.headers).send(answer.body);
  });
  return server;
}

async function serve(request: FastifyRequest, reply: FastifyReply, options: ServerOptions): Promise<void> {
  const startedMs = performance.now();
  reply.hijack();
  const { raw } = request;
  const gone = new AbortController();
  const over = new Promise<boolean>((resolve) => {
    reply.raw.once("close", () => {
      resolve(reply.raw.writableFinished);
      gone.abort();
    });
  });
  try {
    const answer = await options.handle({
      id: request.id,
      startedMs,
      method: raw.method ?? "GET",
      url: raw.url ?? "/",
      headers: headersOf(raw),
      readBody: () => readBody(raw, options.bodyBytes()),
      signal: gone.signal,
    });
    await write(reply.raw, answer);
    await answer.finish(await over);
  } catch (fault) {
    options.onFault(fault);
    reply.raw.destroy();
  }
}

/** By lower-case name; repeated fields joined (RFC 9110 5.3), of those that must be single the first. */
function headersOf({ headers }: IncomingMessage): Headers {
  const found: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) found[name] = typeof value === "string" ? value : value.join(", ");
  }
  return found;
}

async function readBody(request: IncomingMessage, limit: number): Promise<Uint8Array> {
  const tooLarge = () => new GatewayError("body_too_large", `The request body has more than ${limit} bytes.`);
  if (Number(request.headers["content-length"] ?? 0) > limit) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > limit) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (thrown) {
    if (thrown instanceof GatewayError) throw thrown;
    throw new GatewayError("client_closed", "The client closed the request.", { cause: thrown });
  }
  return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks, length);
}

/** Writes as fast as the client reads. Cuts the connection when the body fails: half an answer must not look whole. */
async function write(response: ServerResponse, { status, headers, body }: Answer): Promise<void> {
  // The exchange has heard of it by its signal.
  if (response.destroyed) return;
  response.writeHead(status, headers as Record<string, string | string[]>);
  if (body === null || body instanceof Uint8Array) {
    response.end(body ?? undefined);
    return;
  }
  response.flushHeaders();
  await pipeline(body, response).catch(() => response.destroy());
}

const connectionErrors: Readonly<Record<string, ConstructorParameters<typeof GatewayError>[0]>> = {
  HPE_HEADER_OVERFLOW: "headers_too_large",
  ERR_HTTP_REQUEST_TIMEOUT: "request_timeout",
};

const connectionMessages = {
  headers_too_large: `The request's headers have more than ${requestLimits.headerBytes} bytes.`,
  request_timeout: "The request did not arrive in time.",
  invalid_request: "The request is not valid HTTP/1.1.",
} as const;

/** Answers what is no request, or only half of one; the path is not known, so in the most common shape. */
function refuseConnection(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const code = (connectionErrors[error.code ?? ""] ?? "invalid_request") as keyof typeof connectionMessages;
  const { status, headers, body } = errorAnswer(
    "openai",
    new GatewayError(code, connectionMessages[code]),
    randomUUID(),
  );
  const fields = Object.entries({
    ...headers,
    "content-length": Buffer.byteLength(body),
    connection: "close",
  });
  const head = fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  socket.end(`HTTP/1.1 ${status} ${code}\r\n${head}\r\n${body}`);
}
