import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { performance } from "node:perf_hooks";
import {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
} from "fastify";
import { durationMs, type GatewayConfig } from "#config/schema.ts";
import type { Answer } from "./answer.ts";
import { type Connections, type OnRefused, watchConnections } from "./connections.ts";
import { GatewayError } from "./errors.ts";
import type { Headers } from "./exchange.ts";
import type { Incoming } from "./incoming.ts";
import { requestLimits } from "./limits.ts";
import { errorAnswer, surfaceOf } from "./surface.ts";
import { writeAnswer } from "./write-answer.ts";

export type ServerOptions = {
  /** Read when the server is made: Node's timeouts belong to the listening socket. */
  readonly limits: GatewayConfig["limits"];
  /** Largest body of the next request, bytes. */
  readonly bodyBytes: () => number;
  readonly handle: (incoming: Incoming) => Promise<Answer>;
  /** The gateway's own pages, by path. */
  readonly pages: Readonly<Record<string, (query: URLSearchParams) => Promise<Page> | Page>>;
  readonly onRefused: OnRefused;
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
  const { server, connections } = hardened(options, (request, reply) => void serve(request, reply, serving));
  const serving: Serving = { ...options, connections, isClosing: () => !server.server.listening };
  addPages(server, options.pages);
  return server;
}

export type PageServerOptions = Omit<ServerOptions, "bodyBytes" | "handle"> & {
  /** What a request gets in place of a page; null: the page. */
  readonly refuse: (headers: Headers) => Page | null;
  readonly notFound: Page;
};

/** A server of pages alone, not listening yet. It reads no bodies. */
export function createPageServer(options: PageServerOptions): FastifyInstance {
  const { refuse, notFound, pages } = options;
  const { server } = hardened(options, (request, reply) => {
    sendPage(request, reply, refuse(headersOf(request.raw)) ?? notFound);
  });
  server.addHook("onRequest", (request, reply, next) => {
    const refused = refuse(headersOf(request.raw));
    if (refused === null) next();
    else sendPage(request, reply, refused);
  });
  addPages(server, pages);
  return server;
}

type Other = (request: FastifyRequest, reply: FastifyReply) => void;

/** @param other answers what no page of the server is for. */
function hardened(
  { limits, onRefused, onFault }: Pick<ServerOptions, "limits" | "onRefused" | "onFault">,
  other: Other,
): { readonly server: FastifyInstance; readonly connections: Connections } {
  const requestTimeout =
    limits.requestTimeout === undefined ? requestLimits.requestTimeoutMs : durationMs(limits.requestTimeout);
  const server = fastify({
    logger: false,
    genReqId: () => randomUUID(),
    requestTimeout,
    return503OnClosing: false,
    http: {
      headersTimeout: Math.min(requestLimits.headersTimeoutMs, requestTimeout),
      // What Node waits between two looks at the timeouts; its own 30 s would make each that much longer.
      connectionsCheckingInterval: Math.min(1_000, requestTimeout),
      maxHeaderSize: requestLimits.headerBytes,
      // Node would answer by itself, without a body; `requireOneHost` looks.
      requireHostHeader: false,
    },
    routerOptions: { maxParamLength: requestLimits.headerBytes },
    clientErrorHandler: (error, socket) => connections.refuse(error, socket),
    // A path that the router cannot decode: the matcher has its own word on it.
    frameworkErrors: (_error, request, reply) => other(request, reply),
  });
  // Node drops those over its own limit in silence; the bytes are limited.
  server.server.maxHeadersCount = 0;
  const connections = watchConnections(server.server, onRefused);
  // Before Fastify looks at the body and its type, on which `handle` has the only word.
  server.addHook("onRequest", (request, reply, next) => {
    if (request.is404) other(request, reply);
    else next();
  });
  server.setErrorHandler((error: FastifyError, request, reply) => {
    onFault(error);
    const answer = errorAnswer(
      surfaceOf(request.url),
      new GatewayError("internal", "The gateway failed."),
      request.id,
    );
    return reply.code(answer.status).headers(answer.headers).send(answer.body);
  });
  return { server, connections };
}

function addPages(server: FastifyInstance, pages: ServerOptions["pages"]): void {
  for (const [path, page] of Object.entries(pages)) {
    server.get(path, async (request, reply) => {
      const [, query = ""] = /\?(.*)$/s.exec(request.raw.url ?? "") ?? [];
      return sendPage(request, reply, await page(new URLSearchParams(query)));
    });
  }
}

function sendPage(
  request: FastifyRequest,
  reply: FastifyReply,
  { status, contentType, body }: Page,
): FastifyReply {
  // A body that nobody asked for is not read.
  if (!request.raw.complete) reply.header("connection", "close");
  return reply
    .code(status)
    .header("content-type", contentType)
    .header("cache-control", "no-store")
    .send(body);
}

type Serving = Pick<ServerOptions, "bodyBytes" | "handle" | "onFault"> & {
  readonly connections: Connections;
  readonly isClosing: () => boolean;
};

async function serve(request: FastifyRequest, reply: FastifyReply, serving: Serving): Promise<void> {
  const startedMs = performance.now();
  reply.hijack();
  const { raw } = request;
  const gone = new AbortController();
  const over = new Promise<boolean>((resolve) => {
    reply.raw.once("close", () => {
      const isWhole = reply.raw.writableFinished;
      resolve(isWhole);
      // What to end there is when all is over: nothing, and to say so costs as much as a small request.
      if (!isWhole) gone.abort();
    });
  });
  try {
    const answer = await serving.handle({
      id: request.id,
      startedMs,
      method: raw.method ?? "GET",
      url: raw.url ?? "/",
      headers: headersOf(raw),
      readBody: async () => {
        requireOneHost(raw);
        return readBody(raw, serving);
      },
      signal: gone.signal,
    });
    try {
      await writeAnswer(reply.raw, answer, { last: serving.isClosing() });
    } finally {
      if (!reply.raw.writableEnded) reply.raw.destroy();
      await answer.finish(await over);
    }
  } catch (fault) {
    serving.onFault(fault);
    reply.raw.destroy();
  }
}

/** @throws {GatewayError} when the request is for no host or several (RFC 9112 3.2): its readers could choose differently. */
function requireOneHost({ httpVersion, rawHeaders }: IncomingMessage): void {
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === "host").length;
  if (hosts === 1 || (hosts === 0 && httpVersion === "1.0")) return;
  throw new GatewayError("invalid_request", `The request has ${hosts} Host headers; it must have one.`);
}

/** By lower-case name; repeated fields joined (RFC 9110 5.3), of those that must be single the first. */
function headersOf({ headers }: IncomingMessage): Headers {
  const found: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) found[name] = typeof value === "string" ? value : value.join(", ");
  }
  return found;
}

/** @throws {GatewayError} `body_too_large`, `client_closed`, and what the connection refuses */
function readBody(
  request: IncomingMessage,
  { bodyBytes, connections }: Pick<Serving, "bodyBytes" | "connections">,
): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const limit = bodyBytes();
  const chunks: Uint8Array[] = [];
  let length = 0;
  const refuse = (error: GatewayError) => {
    stop();
    // What is still to come stays where it is, until the answer is written.
    request.pause();
    reject(error);
  };
  const take = (chunk: Uint8Array) => {
    length += chunk.length;
    if (length > limit) refuse(tooLarge(limit));
    else chunks.push(chunk);
  };
  const end = () => {
    stop();
    resolve(chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks, length));
  };
  const close = () => {
    const cause = request.errored ?? undefined;
    refuse(new GatewayError("client_closed", "The client closed the request.", { cause }));
  };
  const stop = () => request.off("data", take).off("end", end).off("close", close);

  if (Number(request.headers["content-length"] ?? 0) > limit) return Promise.reject(tooLarge(limit));
  connections.onBroken(request, refuse);
  request.on("data", take).on("end", end).on("close", close);
  return promise;
}

function tooLarge(limit: number): GatewayError {
  return new GatewayError("body_too_large", `The request body has more than ${limit} bytes.`);
}
