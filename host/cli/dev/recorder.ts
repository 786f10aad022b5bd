import { performance } from "node:perf_hooks";
import type { GatewayError } from "#host/errors.ts";
import type { StartOptions } from "#host/main.ts";
import { createLog, type Log } from "#host/observe/log.ts";
import type { StepCall } from "#host/pipeline/run-stage.ts";

/** A request as its client sent it. It may hold credentials: it stays in memory. */
export type SentRequest = {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
};

/** A line of the gateway's log. */
export type LoggedLine = {
  readonly level: string;
  readonly msg: string;
  readonly data?: unknown;
  readonly plugin?: string;
  readonly binding?: string;
  readonly requestId?: string;
  /** Why a config or a plugin file is refused. */
  readonly problem?: string;
  readonly file?: string;
  readonly reason?: string;
};

export type RecordedCall = StepCall & { readonly log: readonly LoggedLine[] };

/** A request that is over, with the calls that it made into the plugin. */
export type RecordedRequest = {
  readonly sent: SentRequest;
  /** What of `replayHeader` it came with; null when a client sent it. */
  readonly replay: string | null;
  readonly status: number;
  readonly durationMs: number;
  readonly error: GatewayError | null;
  readonly calls: readonly RecordedCall[];
};

/** Marks a request that this process sends itself; the gateway never sees it. */
export const replayHeader = "x-sandgate-replay";

export type RecorderOptions = {
  /** Whose calls count. */
  readonly plugin: () => string | null;
  readonly onRequest: (request: RecordedRequest) => void;
  /** What the plugin logs outside of requests, and what the gateway has to say of them. */
  readonly onLine: (line: LoggedLine) => void;
};

type Open = {
  readonly sent: SentRequest;
  readonly replay: string | null;
  readonly startedMs: number;
  error: GatewayError | null;
  readonly calls: RecordedCall[];
  lines: LoggedLine[];
};

/** Listens to a gateway: gathers of each request what it was and what the plugin did, until it is over. */
export function createRecorder({ plugin, onRequest, onLine }: RecorderOptions): {
  readonly observer: NonNullable<StartOptions["observer"]>;
  readonly log: Log;
} {
  const open = new Map<string, Open>();

  const log = createLog("info", {
    write(text) {
      const line = JSON.parse(text) as LoggedLine & { readonly outcome?: string };
      const request = line.requestId === undefined ? undefined : open.get(line.requestId);
      if (line.plugin !== undefined && line.plugin !== plugin()) return;
      // How a call ended is told by `step`.
      if (line.outcome !== undefined) return;
      if (request === undefined) onLine(line);
      else if (line.binding !== undefined) request.lines.push(line);
    },
  });

  const observer: NonNullable<StartOptions["observer"]> = {
    incoming(incoming) {
      const { [replayHeader]: replay = null, ...rest } = incoming.headers;
      const headers: Readonly<Record<string, string>> = Object.assign(Object.create(null), rest);
      const { id, method, url, startedMs } = incoming;
      return {
        ...incoming,
        headers,
        async readBody() {
          const body = await incoming.readBody();
          const sent = { method, url, headers, body };
          open.set(id, { sent, replay, startedMs, error: null, calls: [], lines: [] });
          return body;
        },
      };
    },
    step(call) {
      const request = open.get(call.requestId);
      if (request === undefined || call.step.binding.plugin !== plugin()) return;
      const isOwn = ({ binding }: LoggedLine) => binding === call.step.key;
      request.calls.push({ ...call, log: request.lines.filter(isOwn) });
      request.lines = request.lines.filter((line) => !isOwn(line));
    },
    // Of interest is what the plugin did, not when it was not called or where its request went.
    skip() {},
    attempt() {},
    failure(exchange, error) {
      const request = open.get(exchange.id);
      if (request !== undefined) request.error ??= error;
    },
    end(exchange, status) {
      const request = open.get(exchange.id);
      if (request === undefined) return;
      open.delete(exchange.id);
      const { sent, replay, startedMs, error, calls } = request;
      onRequest({ sent, replay, status, durationMs: performance.now() - startedMs, error, calls });
    },
  };
  return { observer, log };
}
