import { randomUUID } from "node:crypto";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type ErrorCode, GatewayError } from "./errors.ts";
import { requestLimits } from "./limits.ts";
import { errorAnswer, surfaceOf } from "./surface.ts";

/** What happens on the connections of a server beside whole requests and their answers. */
export type Connections = {
  /** `fail` is called when the rest of this request turns out to be no HTTP, or does not arrive in time. */
  onBroken(request: IncomingMessage, fail: (error: GatewayError) => void): void;
  /** For the server's `clientError`: tells the request that is arriving, or answers in its place. */
  refuse(error: ConnectionError, socket: Socket): void;
};

export type ConnectionError = Error & { readonly code?: string };

/** Told of what was answered without becoming a request. */
export type OnRefused = (id: string, error: GatewayError) => void;

type Connection = {
  /** Oldest first; several when the client does not wait for answers. */
  readonly answers: Set<ServerResponse>;
  /** Of the last request whose body was read. */
  fail: ((error: GatewayError) => void) | null;
  refused: boolean;
};

/** Watches a server that does not listen yet. Once it is closed no connection outlives the answers under way on it. */
export function watchConnections(server: Server, onRefused: OnRefused): Connections {
  const open = new Map<Socket, Connection>();

  function closeIdle(socket: Socket): void {
    if (!server.listening && open.get(socket)?.answers.size === 0) socket.destroySoon();
  }

  server.on("connection", (socket: Socket) => {
    const connection: Connection = { answers: new Set(), fail: null, refused: false };
    open.set(socket, connection);
    socket.once("close", () => {
      open.delete(socket);
      // Older Nodes tell only the answer whose turn it was.
      for (const answer of connection.answers) if (!answer.destroyed) answer.destroy().emit("close");
    });
  });
  server.prependListener("request", ({ socket }: IncomingMessage, answer: ServerResponse) => {
    const connection = open.get(socket);
    if (connection === undefined) return;
    connection.answers.add(answer);
    answer.once("close", () => {
      connection.answers.delete(answer);
      closeIdle(socket);
    });
  });
  // Called by `server.close`, before it stops listening. Node's own takes an answer that is still leaving for
  // one that has left, and cuts it.
  server.closeIdleConnections = () => setImmediate(() => [...open.keys()].forEach(closeIdle));
  // Node would answer 417 by itself; the expectation may be ignored (RFC 9110 10.1.1).
  server.on("checkExpectation", (request, answer) => server.emit("request", request, answer));
  // Without a listener Node closes the connection.
  server.on("connect", ({ url = "" }: IncomingMessage, socket: Socket) => {
    // Nor does Node hear the errors of such a socket.
    socket.on("error", () => socket.destroy());
    if (open.get(socket)?.answers.size !== 0) socket.destroy();
    else answerAlone(socket, url, new GatewayError("method_not_allowed", "CONNECT is not forwarded."));
  });

  function answerAlone(socket: Socket, url: string, error: GatewayError): void {
    const id = randomUUID();
    onRefused(id, error);
    socket.end(wholeAnswer(url, error, id));
    // Closing over unread bytes would be a reset, which takes the answer with it.
    socket.resume();
    const timer = setTimeout(() => socket.destroy(), requestLimits.lingerMs);
    socket.once("close", () => clearTimeout(timer));
  }

  return {
    onBroken({ socket }, fail) {
      const connection = open.get(socket);
      if (connection !== undefined) connection.fail = fail;
    },
    refuse(cause, socket) {
      const connection = open.get(socket);
      // Whatever comes after a refusal is read and dropped.
      if (connection?.refused) return;
      const answers = [...(connection?.answers ?? [])];
      // Between the bytes of another answer there is no place for one.
      const isAnswering = answers.some(({ headersSent }) => headersSent);
      if (connection === undefined || isAnswering || !socket.writable || cause.code === "ECONNRESET") {
        socket.destroy();
        return;
      }
      connection.refused = true;
      const error = refusal(cause);
      const arriving = answers.some(({ req }) => !req.complete);
      if (arriving && connection.fail !== null) connection.fail(error);
      else answerAlone(socket, answers[0]?.req.url ?? "", error);
    },
  };
}

const meanings: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  HPE_HEADER_OVERFLOW: [
    "headers_too_large",
    `The request's headers have more than ${requestLimits.headerBytes} bytes.`,
  ],
  HPE_INVALID_EOF_STATE: ["invalid_request", "The request ended in the middle."],
  ERR_HTTP_REQUEST_TIMEOUT: ["request_timeout", "The request did not arrive in time."],
};

function refusal(cause: ConnectionError): GatewayError {
  const [code, message] = meanings[cause.code ?? ""] ?? [
    "invalid_request",
    "The request is not valid HTTP/1.1.",
  ];
  return new GatewayError(code, message, { cause });
}

/** Status line, headers and body; the connection ends after it. */
function wholeAnswer(url: string, error: GatewayError, id: string): string {
  const { status, headers, body } = errorAnswer(surfaceOf(url), error, id);
  const length = String(Buffer.byteLength(body));
  const fields = Object.entries({ ...headers, "content-length": length, connection: "close" });
  const head = fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return `HTTP/1.1 ${status} ${error.code}\r\n${head}\r\n${body}`;
}
