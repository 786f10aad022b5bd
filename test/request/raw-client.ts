import { once } from "node:events";
import { connect, type Socket } from "node:net";

export type RawAnswer = {
  readonly status: number;
  /** By lower-case name; of a repeated field the last. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** A connection to the gateway. Resets are an end like any other; `allowHalfOpen` goes on sending after the server's end. */
export async function openSocket(url: string, { allowHalfOpen = false } = {}): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen });
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

/** Sends bytes as they are, piece by piece, and reads all answers until the server closes the connection. */
export async function exchangeRaw(
  url: string,
  ...pieces: readonly (string | Uint8Array)[]
): Promise<readonly RawAnswer[]> {
  const socket = await openSocket(url);
  const answered = readToEnd(socket);
  for (const piece of pieces) {
    if (socket.writable) await new Promise((resolve) => socket.write(piece, resolve));
  }
  return parseAnswers(await answered);
}

/** All bytes until the connection is closed, which must be within some seconds. */
export async function readToEnd(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  try {
    if (!socket.closed) await once(socket, "close", { signal: AbortSignal.timeout(20_000) });
  } finally {
    socket.destroy();
  }
  return Buffer.concat(chunks);
}

/** The answers in these bytes, one after the other; throws for bytes that are none. */
export function parseAnswers(bytes: Buffer): RawAnswer[] {
  const answers: RawAnswer[] = [];
  let rest = bytes;
  while (rest.length > 0) {
    const end = rest.indexOf("\r\n\r\n");
    const [statusLine = "", ...fields] = rest.toString("latin1", 0, end).split("\r\n");
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1]);
    if (end === -1 || Number.isNaN(status)) throw new Error(`no answer: ${rest.toString("latin1")}`);
    const headers = Object.fromEntries(
      fields.map((field) => {
        const colon = field.indexOf(":");
        return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
      }),
    );
    rest = rest.subarray(end + 4);
    const { body, length } = bodyOf(rest, status, headers);
    if (status >= 200) answers.push({ status, headers, body });
    rest = rest.subarray(length);
  }
  return answers;
}

function bodyOf(
  rest: Buffer,
  status: number,
  headers: RawAnswer["headers"],
): { body: string; length: number } {
  const { "content-length": length, "transfer-encoding": coding } = headers;
  if (status < 200 || status === 204) return { body: "", length: 0 };
  if (coding === "chunked") return unchunked(rest);
  const end = length === undefined ? rest.length : Number(length);
  return { body: rest.toString("utf8", 0, end), length: end };
}

/** The body of whole chunks; of a cut one what there is. */
function unchunked(bytes: Buffer): { body: string; length: number } {
  const parts: Buffer[] = [];
  let at = 0;
  while (at < bytes.length) {
    const line = bytes.indexOf("\r\n", at);
    const size = Number.parseInt(bytes.toString("latin1", at, line), 16);
    parts.push(bytes.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
    if (size === 0) break;
  }
  return { body: Buffer.concat(parts).toString("utf8"), length: at };
}
