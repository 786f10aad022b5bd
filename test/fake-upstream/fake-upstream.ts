import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { fittingAnswer, readAnswer } from "./answer-file.ts";

/** What the upstream does with a request. */
export type Script = {
  /** A file of `answers/`, without `.http`; by default the one that fits the request. */
  readonly answer?: string;
  readonly status?: number;
  /** Over those of the file; null removes, a list repeats the field. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | null>>;
  /** Instead of the file's; pieces are written one by one, as they come and as fast as they are read. */
  readonly body?: string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  /** Writes the body in pieces of so many bytes, also through the middle of characters. */
  readonly chunkBytes?: number;
  readonly fault?: Fault;
};

/**
 * What goes wrong.
 * - `refuse`: nothing listens any more, connections are reset;
 * - `garbage`: bytes that are not HTTP; `huge-headers`: 128 KiB of them; `endless-headers`: as many as are read;
 * - `reset` (RST), `stall` (silence) or a clean `end`: when the request is there, in the middle of the
 *   headers, or after so many bytes of the body.
 */
export type Fault =
  | "refuse"
  | "garbage"
  | "huge-headers"
  | "endless-headers"
  | { readonly kind: "reset" | "stall"; readonly after: "request" | "half-headers" }
  | { readonly kind: "reset" | "stall" | "end"; readonly after: number };

export type Received = {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Bytes of answer body handed to the socket. */
  sentBytes: number;
  /** Fulfilled when the exchange is over: true when it was answered to the end. */
  readonly over: Promise<boolean>;
};

export type FakeUpstream = {
  /** Without a path: `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly received: Received[];
  /** TCP connections accepted so far. */
  connections(): number;
  /** The next request to arrive. */
  arrival(): Promise<Received>;
  /** Each script for one request, in this order, the last for all that follow. Nothing listens after `refuse`. */
  play(script: Script, ...next: readonly Script[]): Promise<void>;
  close(): Promise<void>;
};

export type UpstreamOptions = {
  /** Hears of every request once its body is there: of several upstreams the order. */
  readonly onRequest?: (received: Received) => void;
};

/** A real HTTP server on a free port that plays recorded answers, well or badly, and records what reached it. */
export async function startFakeUpstream({ onRequest }: UpstreamOptions = {}): Promise<FakeUpstream> {
  let scripts: readonly Script[] = [{}];
  let accepted = 0;
  let arrived = Promise.withResolvers<Received>();
  const received: Received[] = [];
  const sockets = new Set<Socket>();

  const server = createServer(async (request, response) => {
    const [script = {}, ...next] = scripts;
    if (next.length > 0) scripts = next;
    const entry = await record(request, response);
    received.push(entry);
    onRequest?.(entry);
    arrived.resolve(entry);
    arrived = Promise.withResolvers();
    await respond(script, entry, response);
  });
  server.on("connection", (socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });

  async function listen(port: number): Promise<number> {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  }

  async function stop(): Promise<void> {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) socket.resetAndDestroy();
    await closed;
  }

  const port = await listen(0);
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    connections: () => accepted,
    arrival: () => arrived.promise,
    play: async (script, ...next) => {
      scripts = [script, ...next];
      if (script.fault === "refuse") await stop();
      else if (!server.listening) await listen(port);
    },
    close: stop,
  };
}

async function record(request: IncomingMessage, response: ServerResponse): Promise<Received> {
  const over = new Promise<boolean>((resolve) => {
    response.on("close", () => resolve(response.writableFinished));
  });
  const body = Buffer.concat(await Array.fromAsync(request));
  return {
    method: request.method ?? "",
    url: request.url ?? "",
    headers: request.headers,
    body,
    sentBytes: 0,
    over,
  };
}

async function respond(script: Script, entry: Received, response: ServerResponse): Promise<void> {
  const { fault } = script;
  const { socket } = response;
  if (socket === null) return;
  if (fault === "garbage") {
    socket.end("\u0000\u0001 this is not HTTP\r\n\r\n");
    return;
  }
  if (fault === "endless-headers") {
    await written(socket, "HTTP/1.1 200 OK\r\n");
    while (!socket.destroyed)
      await Promise.race([written(socket, `x-more: ${"x".repeat(1024)}\r\n`), entry.over]);
    return;
  }
  if (typeof fault === "object" && typeof fault.after === "string") {
    if (fault.after === "half-headers") await written(socket, "HTTP/1.1 200 OK\r\ncontent-type: applica");
    if (fault.kind === "reset") socket.resetAndDestroy();
    return;
  }
  const recorded = readAnswer(script.answer ?? fittingAnswer(entry.url, jsonOf(entry.body)));
  const headers = new Map<string, string | readonly string[]>(Object.entries(recorded.headers));
  if (fault === "huge-headers") headers.set("x-huge", "x".repeat(128 * 1024));
  for (const [name, value] of Object.entries(script.headers ?? {})) {
    if (value === null) headers.delete(name);
    else headers.set(name, value);
  }
  const fields = [...headers].flatMap(([name, value]) => [value].flat().map((one) => [name, one] as const));
  response.writeHead(script.status ?? recorded.status, fields.flat());
  response.flushHeaders();
  const limit = typeof fault === "object" && typeof fault.after === "number" ? fault.after : Infinity;
  for await (const piece of pieces(script.body ?? recorded.body, script.chunkBytes)) {
    const part = piece.subarray(0, Math.min(piece.length, limit - entry.sentBytes));
    entry.sentBytes += part.length;
    if (part.length > 0 && !response.write(part)) await Promise.race([once(response, "drain"), entry.over]);
    if (entry.sentBytes >= limit || response.destroyed) break;
  }
  if (typeof fault === "object" && fault.kind === "stall") return;
  if (typeof fault === "object" && fault.kind === "reset") {
    // What was written must leave before the reset throws the rest away.
    await written(response, "");
    socket.resetAndDestroy();
    return;
  }
  response.end();
}

async function* pieces(body: NonNullable<Script["body"]>, chunkBytes?: number): AsyncGenerator<Uint8Array> {
  if (typeof body !== "string" && !(body instanceof Uint8Array)) {
    yield* body;
    return;
  }
  const bytes = Buffer.from(body);
  const size = chunkBytes ?? Math.max(1, bytes.length);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function written(stream: Socket | ServerResponse, text: string): Promise<void> {
  return new Promise((resolve) => stream.write(text, () => resolve()));
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
