import { z } from "zod";
import { egressLimits } from "#host/limits.ts";
import { type EgressGrant, isPublicAddress, literalAddress } from "./egress.ts";
import { firstProblem } from "./first-problem.ts";

/** The host decides about framing, connection and destination; a plugin that sets these could smuggle requests. */
const refusedHeaders = new Set([
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
]);

const headerName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/, "is not a header name")
  .refine(
    (name) => !refusedHeaders.has(name.toLowerCase()) && !name.toLowerCase().startsWith("proxy-"),
    "is a header that only the host may set",
  );
const headerValue = z
  .string()
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it refuses
  .regex(/^[^\u0000-\u0008\u000a-\u001f\u007f\u0100-\uffff]*$/, "has characters no header may have");
const headers = z
  .record(headerName, headerValue)
  .refine(
    (all) => Object.keys(all).length <= egressLimits.headers,
    `more than ${egressLimits.headers} headers`,
  );

/** The JSON that PDKs pass to `http_request`: extism-manifest's HttpRequest. */
const requestSchema = z.object({
  url: z.string().max(8_192),
  method: z
    .string()
    .transform((method) => method.toUpperCase())
    .pipe(z.enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]))
    .nullish(),
  headers: headers.nullish(),
  header: headers.nullish(),
  /** Sandgate's own. The time of the call ends a request too. */
  timeoutMs: z.int().min(1).nullish(),
});

export type PluginRequest = {
  readonly url: URL;
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS";
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly privateAllowed: boolean;
  /** Those that stand in the headers now; an answer that says one must not reach the plugin. */
  readonly secrets: readonly string[];
};

/** What a binding may call, and the secrets that it may name in a header, by name. */
export type HttpRights = {
  readonly egress: EgressGrant;
  readonly secrets: Readonly<Record<string, string>>;
};

/** A request that a plugin may not make; the message says why, for the plugin's log. */
export class RequestRefused extends Error {
  readonly failure: "refused" | "limit";

  constructor(message: string, failure: "refused" | "limit" = "refused") {
    super(message);
    this.failure = failure;
  }
}

/** What the plugin asks for, checked against its rights, with the secrets in place. @throws RequestRefused */
export function parseRequest(text: string, rights: HttpRights): PluginRequest {
  // Before parsing, which is the host's own time: a plugin pays for the copy alone.
  if (text.length > egressLimits.headChars) {
    throw new RequestRefused(`URL and headers are longer than ${egressLimits.headChars} characters`);
  }
  return checkRequest(jsonOf(text), rights);
}

/** The same of what is parsed already. @throws RequestRefused */
export function checkRequest(wanted: unknown, { egress, secrets }: HttpRights): PluginRequest {
  const parsed = requestSchema.safeParse(wanted);
  if (!parsed.success) throw new RequestRefused(firstProblem(parsed.error));
  const url = URL.parse(parsed.data.url);
  if (url === null) throw new RequestRefused("the URL is malformed");
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new RequestRefused(`${url.protocol} is not http or https`);
  }
  if (url.username !== "" || url.password !== "") throw new RequestRefused("the URL carries a user name");
  const match = egress.match(url);
  if (match === null) throw new RequestRefused(`${url.host} is not in the binding's grants`);
  // Nothing is looked up for a literal address, so it is checked here.
  const literal = literalAddress(url);
  if (literal !== null && !match.privateAllowed && !isPublicAddress(literal)) {
    throw new RequestRefused(`${url.host} is not a public address; grant it with its port`);
  }
  const placed = placeSecrets(parsed.data.headers ?? parsed.data.header ?? {}, secrets);
  if (placed.secrets.length > 0 && url.protocol === "http:" && !match.privateAllowed) {
    throw new RequestRefused("a secret is sent over https only, or to a host that is granted with its port");
  }
  const { method, timeoutMs } = parsed.data;
  return {
    url,
    method: method ?? "GET",
    timeoutMs: Math.min(timeoutMs ?? egressLimits.timeoutMs, egressLimits.timeoutMs),
    privateAllowed: match.privateAllowed,
    ...placed,
  };
}

const placeholder = /\{\{secret:([^{}]*)\}\}/g;

/** `{{secret:NAME}}` in a header's value becomes the secret; the plugin has never seen it. */
function placeSecrets(
  headers: Readonly<Record<string, string>>,
  known: Readonly<Record<string, string>>,
): Pick<PluginRequest, "headers" | "secrets"> {
  const secrets = new Set<string>();
  const place = (_: string, name: string) => {
    const secret = Object.hasOwn(known, name) ? known[name] : undefined;
    if (secret === undefined) throw new RequestRefused(`the secret "${name}" is not in the binding's grants`);
    secrets.add(secret);
    return secret;
  };
  const placed = Object.entries(headers).map(([name, value]) => [name, value.replace(placeholder, place)]);
  return { headers: Object.fromEntries(placed), secrets: [...secrets] };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RequestRefused("the request is not JSON");
  }
}
