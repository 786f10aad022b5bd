import type { Host, HttpRequest, HttpResult } from "../host.ts";
import { decodeUtf8, encodeUtf8, takeBlockBytes, takeNumberFunction } from "./native.ts";

type Head = {
  readonly status?: number;
  readonly headers?: object;
  readonly bodyBytes?: number;
  readonly error?: string;
};

const lineFeed = 10;

/** `host.http.requestAll` over `http_request_all`, whose bodies stand behind one another. */
export function takeRequestAll(): Host<unknown>["http"]["requestAll"] {
  const send = takeNumberFunction("http_request_all");
  const blockBytes = takeBlockBytes();
  return (requests) => {
    const bodies = requests.map(({ body }) => bytesOf(body));
    const heads = requests.map(({ body: _, ...head }, index) => ({
      ...head,
      bodyBytes: bodies[index]?.length,
    }));
    const answers = blockBytes(send(JSON.stringify(heads), joined(bodies)));
    if (answers === null) throw new Error("http_request_all: there is no answer");
    const end = answers.indexOf(lineFeed);
    let at = end + 1;
    return (JSON.parse(decodeUtf8(answers.slice(0, end))) as Head[]).map((head) => {
      const { status = 0, headers = {}, bodyBytes = 0, error } = head;
      const body = decodeUtf8(answers.slice(at, at + bodyBytes));
      at += bodyBytes;
      return { status, headers, body, ...(error === undefined ? {} : { error }) } as HttpResult;
    });
  };
}

function bytesOf(body: HttpRequest["body"]): Uint8Array {
  if (body instanceof Uint8Array) return body;
  return encodeUtf8(body === undefined ? "" : String(body));
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
