import { performance } from "node:perf_hooks";
import type { ServiceConfig } from "#config/schema.ts";
import { isCredentialParameter } from "#host/credentials.ts";
import { GatewayError } from "#host/errors.ts";
import { upstreamLimits } from "#host/limits.ts";
import { pathSegments } from "#host/resolve/request-path.ts";
import type { Surface } from "#host/surface.ts";
import type { Usage } from "#sdk/abi/input.ts";
import { answerHeaders, requestHeaders } from "./forward-headers.ts";
import { gather } from "./gather.ts";
import { withUsageAsked } from "./include-usage.ts";
import { jsonValue } from "./json-value.ts";
import { createProvider } from "./providers/all.ts";
import type { PickedTarget, UpstreamAnswer, UpstreamRequest } from "./providers/provider.ts";
import { checkAnswer, refusalBody } from "./refusal.ts";
import { requireNoSecrets, withoutSecrets } from "./secrets.ts";
import { relayEvents } from "./sse.ts";
import type { TargetInfo, TargetWish } from "./targets.ts";
import { countUsage, type UsageCount } from "./usage.ts";
import { type WholeBody, wholeBody } from "./whole-body.ts";

export type ForwardRequest = {
  readonly surface: Surface;
  readonly method: string;
  /** What remains after the route's prefix; begins with `/`. */
  readonly path: string;
  /** With its `?`, or empty. */
  readonly query: string;
  /** By lower-case name, as the client and the plugins left them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
  /** The value of `body`, or undefined when it is not JSON. */
  readonly json: unknown;
  /** Aborted when the client is gone; the upstream's request ends with it. */
  readonly signal: AbortSignal;
};

export type ForwardAnswer = {
  readonly status: number;
  /** By lower-case name. `content-length` is there only when it is true of `body`. */
  readonly headers: Readonly<Record<string, string | string[]>>;
  /**
   * Pulled by its reader, never ahead of it. Throws a GatewayError when the upstream fails in the middle: of
   * an event stream after the last whole event, so that `errorEvent` can follow.
   */
  readonly body: AsyncIterable<Uint8Array>;
  /** The same body, where it is JSON of usual length and so is here already: it is read as a whole anyway. */
  readonly whole: WholeBody | null;
  readonly eventStream: boolean;
  /** When the headers were here, `performance.now()`. */
  readonly atMs: number;
  /** Tokens as the provider counted them; complete once the body has ended. */
  usage(): Usage | undefined;
  /** For whoever will not read the body to its end: frees the connection. */
  discard(): void;
};

/** One attempt, its target chosen. */
export type Attempt = {
  /** Which of the targets it is, for a wish: two may have one URL. */
  readonly key: string;
  /** Where it goes, as the config has it; null for a provider inside of the process. */
  readonly target: string | null;
  /**
   * Answers of the upstream come back whatever their status, its errors in the client's shape.
   * @throws {GatewayError} `invalid_request` for a path that could leave the service's base, `method_not_allowed`,
   * `upstream_*` when there is no answer that a client may get, `client_closed`.
   */
  forward(request: ForwardRequest): Promise<ForwardAnswer>;
};

/** A service, ready to forward to. */
export type Upstream = {
  readonly name: string;
  /** Why the service cannot serve; null when it can. */
  readonly off: string | null;
  /** @throws {GatewayError} `service_off` */
  attempt(wish?: TargetWish): Attempt;
  /** What a probe found about a target; false when the service has none of this URL. */
  mark(url: string, healthy: boolean): boolean;
  /** URLs of targets that a probe has found not to work. */
  failedProbes(): readonly string[];
  targets(): readonly TargetInfo[];
  /** Waits for running exchanges, then closes connections. */
  close(): Promise<void>;
};

/** The upstream of the service `name`. Nothing is connected before the first request. */
export function createUpstream(name: string, service: ServiceConfig): Upstream {
  const provider = createProvider(service);
  return {
    name,
    off: provider.off,
    attempt(wish = {}) {
      if (provider.off !== null) {
        throw new GatewayError("service_off", `The service ${name} is switched off: ${provider.off}.`);
      }
      const { key, url, send } = provider.pick(wish);
      return { key, target: url, forward: (request) => forward(request, send) };
    },
    mark: provider.mark,
    failedProbes: provider.failedProbes,
    targets: provider.targets,
    close: () => provider.close(),
  };
}

async function forward(request: ForwardRequest, send: PickedTarget["send"]): Promise<ForwardAnswer> {
  const plain = upstreamRequest(request);
  const asking = request.surface === "openai" ? withUsageAsked(plain) : null;
  const answer = await send(asking ?? plain);
  checkAnswer(answer);
  const wanted = { ...request, path: plain.path };
  return answer.status >= 400 ? refused(answer, wanted) : accepted(answer, wanted, asking !== null);
}

function upstreamRequest(request: ForwardRequest): UpstreamRequest {
  const { method, path, query, headers, body, json, signal } = request;
  // TRACE is answered with the request as it arrived: with the target's key.
  if (method === "TRACE" || method === "CONNECT") {
    throw new GatewayError("method_not_allowed", `${method} is not forwarded.`);
  }
  if (pathSegments(path) === null || !/^(\?[!-"$-~]*)?$/.test(query)) {
    throw new GatewayError("invalid_request", "The path or query of the request is ambiguous or malformed.");
  }
  return {
    method,
    path,
    query: withoutCredentials(query),
    headers: requestHeaders(headers),
    body,
    json,
    signal,
  };
}

/** What the consumer proves itself with is for the gateway alone. */
function withoutCredentials(query: string): string {
  if (query === "") return "";
  const kept = query
    .slice(1)
    .split("&")
    .filter((parameter) => !isCredential(parameter));
  return kept.length === 0 ? "" : `?${kept.join("&")}`;
}

/** A name may be encoded, `%6bey` for `key`: decoded as the upstream would. */
function isCredential(parameter: string): boolean {
  const [name = ""] = new URLSearchParams(parameter).keys();
  return isCredentialParameter(name);
}

async function refused(answer: UpstreamAnswer, request: ForwardRequest): Promise<ForwardAnswer> {
  const atMs = performance.now();
  const bytes = await refusalBody(answer, request.surface);
  return {
    status: answer.status,
    headers: {
      ...answerHeaders(answer),
      "content-type": "application/json; charset=utf-8",
      "content-length": String(bytes.length),
    },
    body: oneChunk(bytes),
    whole: wholeBody(bytes),
    eventStream: false,
    atMs,
    usage: () => undefined,
    discard: () => {},
  };
}

async function accepted(
  answer: UpstreamAnswer,
  request: ForwardRequest,
  hideUsage: boolean,
): Promise<ForwardAnswer> {
  const { surface, path, method } = request;
  const { status, discard } = answer;
  const usage = countUsage();
  const type = String(answer.headers["content-type"] ?? "");
  const headers = answerHeaders(answer);
  const common = { status, headers, atMs: performance.now(), usage: usage.total, discard };
  // HEAD is answered with the headers alone: no event is missing then.
  if (method !== "HEAD" && /^\s*text\/event-stream\b/i.test(type)) {
    // Not known beforehand when events may be held back.
    delete headers["content-length"];
    const chunks = withoutSecrets(answer.body, answer.secrets);
    const body = relayEvents(chunks, { surface, path, hideUsage, usage });
    return { ...common, body, whole: null, eventStream: true };
  }
  if (method === "HEAD" || !/json/i.test(type)) {
    const body = withoutSecrets(answer.body, answer.secrets);
    return { ...common, body, whole: null, eventStream: false };
  }
  const gathered = await gather(answer.body, upstreamLimits.wholeBodyBytes);
  if (gathered instanceof Uint8Array) {
    requireNoSecrets(gathered, answer.secrets);
    const whole = wholeBody(gathered);
    const counted = () => {
      usage.read(whole.json);
      return usage.total();
    };
    return { ...common, body: oneChunk(gathered), whole, eventStream: false, usage: counted };
  }
  const body = relayJson(withoutSecrets(gathered, answer.secrets), usage);
  return { ...common, body, whole: null, eventStream: false };
}

/** The same bytes; reads the usage at their end from a copy of bounded size. */
async function* relayJson(chunks: AsyncIterable<Uint8Array>, usage: UsageCount): AsyncGenerator<Uint8Array> {
  let copy: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length <= upstreamLimits.usageBodyBytes) copy.push(chunk);
    else copy = [];
    yield chunk;
  }
  if (length <= upstreamLimits.usageBodyBytes) usage.read(jsonValue(Buffer.concat(copy).toString("utf8")));
}

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
