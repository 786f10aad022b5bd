import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { type RecordedRequest, replayHeader, type SentRequest } from "./recorder.ts";

/** What belongs to the connection that the request came on. */
const ofConnection = new Set([
  "connection",
  "content-length",
  "expect",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** After the answer: completion hooks may still run. */
const longestWaitMs = 10_000;

/** Sends requests again, one at a time: the next ends the one before. */
export type Replays = {
  /** Takes what was recorded of a replay. */
  receive(mark: string, recorded: RecordedRequest): void;
  /** Sends a request to the gateway at `url`; null when another took its place, or nothing was recorded of it. */
  send(sent: SentRequest, url: string): Promise<RecordedRequest | null>;
  stop(): void;
};

export function createReplays(onFailed: (reason: string) => void): Replays {
  let current = { mark: "", abort: new AbortController(), found: (_: RecordedRequest | null) => {} };
  return {
    receive(mark, recorded) {
      if (mark === current.mark) current.found(recorded);
    },
    async send(sent, url) {
      current.abort.abort();
      const abort = new AbortController();
      const mark = randomUUID();
      const { promise, resolve } = Promise.withResolvers<RecordedRequest | null>();
      current = { mark, abort, found: resolve };
      abort.signal.addEventListener("abort", () => resolve(null));
      try {
        await exchange(sent, { url, mark, signal: abort.signal });
      } catch (thrown) {
        if (!abort.signal.aborted) onFailed(thrown instanceof Error ? thrown.message : String(thrown));
        return null;
      }
      const timer = setTimeout(() => resolve(null), longestWaitMs);
      const found = await promise;
      clearTimeout(timer);
      return found;
    },
    stop: () => current.abort.abort(),
  };
}

type Target = { readonly url: string; readonly mark: string; readonly signal: AbortSignal };

/** Sends a request as it was, and reads its answer to the end. */
async function exchange(
  { method, url: path, headers, body }: SentRequest,
  { url, mark, signal }: Target,
): Promise<void> {
  const { hostname, port } = new URL(url);
  const kept = Object.entries(headers).filter(([name]) => !ofConnection.has(name));
  const sending = request({
    hostname: hostname.replace(/^\[|\]$/g, ""),
    port,
    method,
    path,
    headers: { ...Object.fromEntries(kept), "content-length": body.length, [replayHeader]: mark },
    signal,
    agent: false,
  });
  sending.end(body);
  const [answer] = (await once(sending, "response")) as [IncomingMessage];
  answer.resume();
  await once(answer, "end");
}
