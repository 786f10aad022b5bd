import { credentialHeaders } from "#host/credentials.ts";
import { repeatsSecret } from "#host/repeats-secret.ts";
import type { UpstreamAnswer } from "./providers/provider.ts";

/** Of one connection (RFC 9110 7.6.1), or set anew for the upstream's. */
const ofTheConnection = [
  "accept-encoding",
  "connection",
  "content-length",
  "expect",
  "host",
  "http2-settings",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** What the consumer proves itself with, and who it is: for the gateway alone. */
const ofTheConsumer = [
  ...credentialHeaders,
  "cf-connecting-ip",
  "fastly-client-ip",
  "forwarded",
  "true-client-ip",
  "via",
  "x-client-ip",
  "x-cluster-client-ip",
  "x-original-forwarded-for",
  "x-real-ip",
];

/** Conditions on an entity tag or date: clients get neither from us, and an answer of 304 would be no answer. */
const conditions = ["if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since"];

const notForwarded = new Set([...ofTheConnection, ...ofTheConsumer, ...conditions]);

/** The client's headers that an upstream gets. `accept-encoding` stays here: bodies are read, and never decoded. */
export function requestHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const { connection } = headers;
  const named = connectionOptions(connection);
  const forwarded: Record<string, string> = Object.create(null);
  for (const name in headers) {
    if (notForwarded.has(name) || named.has(name)) continue;
    if (name.startsWith("proxy-") || name.startsWith("x-forwarded-")) continue;
    forwarded[name] = headers[name] as string;
  }
  return forwarded;
}

/** The list is of what may pass: what is not on it may name the operator's account, servers or cookies. */
const answered = new Set([
  "anthropic-version",
  "cache-control",
  "content-disposition",
  "content-length",
  "content-range",
  "content-type",
  "openai-model",
  "openai-processing-ms",
  "openai-version",
  "retry-after",
  "retry-after-ms",
  "x-should-retry",
]);
const answeredPrefixes = ["anthropic-ratelimit-", "x-ratelimit-"];

/** The gateway's answer has an id of its own; the upstream's is for questions to the provider's support. */
const requestIds = ["x-request-id", "request-id"];

/** The upstream's headers that a client gets, and its request id as `x-upstream-request-id`. */
export function answerHeaders({
  headers,
  secrets,
}: Pick<UpstreamAnswer, "headers" | "secrets">): Record<string, string | string[]> {
  const { connection } = headers;
  const named = connectionOptions(typeof connection === "string" ? connection : connection?.join());
  const kept: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || named.has(name) || repeatsSecret(String(value), secrets)) continue;
    if (requestIds.includes(name)) kept["x-upstream-request-id"] ??= String(value);
    if (!answered.has(name) && !answeredPrefixes.some((prefix) => name.startsWith(prefix))) continue;
    kept[name] = typeof value === "string" ? value : [...value];
  }
  return kept;
}

const none: ReadonlySet<string> = new Set();

/** Header names that `Connection` declares to be of this connection. */
function connectionOptions(value: string | undefined): ReadonlySet<string> {
  if (value === undefined || value === "keep-alive" || value === "close") return none;
  return new Set((value ?? "").split(",").map((option) => option.trim().toLowerCase()));
}
