import type { Agent } from "undici";
import { egressLimits } from "#host/limits.ts";
import { repeatsSecret } from "#host/repeats-secret.ts";
import type { Capability, HostCall, HostImport } from "./capability.ts";
import { createEgress, type Egress, parseGrant } from "./egress.ts";
import { type HttpRights, type PluginRequest, parseRequest, RequestRefused } from "./http-request.ts";

const namespace = "extism:host/env";

/** What a plugin can ask about its last request. */
type Exchange = { requests: number; status: number; headers: Readonly<Record<string, string>> };

/**
 * `http_request(request JSON, body) -> body`, `http_status_code`, `http_headers` of the Extism ABI, to the hosts
 * that the binding's `grants.http` lists. Redirects are handed to the plugin, never followed: the next hop
 * is a request of its own and meets the same guard. A request that is refused or fails has status 0 and no body;
 * the plugin's log says why. Limits: `egressLimits`. Of the `secrets`, by name, a binding may use those of its `grants.secrets`.
 */
export function createHttp(secrets: Readonly<Record<string, string>>, sender: Sender = send): Capability {
  return {
    name: "http",
    imports: ["http_request", "http_status_code", "http_headers"].map((name) => `${namespace}.${name}`),
    needs: null,
    grant({ grants }) {
      return grants.http === undefined || grants.http.length === 0
        ? null
        : httpImports(
            { egress: parseGrant(grants.http), secrets: pick(secrets, grants.secrets ?? []) },
            { egress: createEgress(), sender },
          );
    },
  };
}

function pick(secrets: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => (secrets[name] === undefined ? [] : [[name, secrets[name]]])),
  );
}

function httpImports(
  rights: HttpRights,
  { egress, sender }: { readonly egress: Egress; readonly sender: Sender },
): Readonly<Record<string, HostImport>> {
  const exchanges = new WeakMap<HostCall, Exchange>();

  function exchangeOf(call: HostCall): Exchange {
    const known = exchanges.get(call);
    if (known !== undefined) return known;
    const made: Exchange = { requests: 0, status: 0, headers: {} };
    exchanges.set(call, made);
    return made;
  }

  async function request(call: HostCall, requestOffset: bigint, bodyOffset: bigint): Promise<bigint> {
    const exchange = exchangeOf(call);
    Object.assign(exchange, { status: 0, headers: {} });
    try {
      if (++exchange.requests > egressLimits.requests) {
        throw new RequestRefused(`more than ${egressLimits.requests} requests in one call`);
      }
      const wanted = parseRequest(call.readText(requestOffset), rights);
      const body = call.read(bodyOffset);
      if (body.length > egressLimits.requestBytes) {
        throw new RequestRefused(`body of ${body.length} bytes; the limit is ${egressLimits.requestBytes}`);
      }
      const agent = egress.agent(wanted.privateAllowed);
      const answer = await sender(wanted, body, { agent, signal: call.signal });
      requireNoSecret(answer, wanted.secrets);
      const offset = call.write(answer.body);
      if (offset === 0n && answer.body.length > 0) {
        throw new RequestRefused("the call has no memory left for the answer");
      }
      Object.assign(exchange, { status: answer.status, headers: answer.headers });
      return offset;
    } catch (reason) {
      // The network is a border: what fails out there is a value for the plugin, not the end of its call.
      call.log("error", `http_request: ${textOf(reason)}`);
      return 0n;
    }
  }

  return {
    [`${namespace}.http_request`]: {
      params: 2,
      result: true,
      suspends: true,
      run: (call, requestOffset = 0n, bodyOffset = 0n) => request(call, requestOffset, bodyOffset),
    },
    [`${namespace}.http_status_code`]: {
      params: 0,
      result: true,
      suspends: false,
      run: (call) => BigInt(exchangeOf(call).status),
    },
    [`${namespace}.http_headers`]: {
      params: 0,
      result: true,
      suspends: false,
      run: (call) => call.write(JSON.stringify(exchangeOf(call).headers)),
    },
  };
}

/** A host that answers with what it was asked would hand the plugin what it must not hold. */
function requireNoSecret({ headers, body }: Answer, secrets: readonly string[]): void {
  if (secrets.length === 0) return;
  // Secrets are ASCII, so a byte is a character.
  const texts = [
    Buffer.from(body.buffer, body.byteOffset, body.length).toString("latin1"),
    JSON.stringify(headers),
  ];
  if (texts.some((text) => repeatsSecret(text, secrets))) {
    throw new RequestRefused("the answer repeats a secret of the request");
  }
}

/** Node tries all addresses of a name and then has no message, only the code of the last. */
function textOf(reason: unknown): string {
  if (!(reason instanceof Error)) return String(reason);
  return reason.message || ("code" in reason ? String(reason.code) : reason.name);
}

/** By lower-case name the headers. */
export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
};

/** Sends a request that the binding may make; what it throws is a request that failed. `signal` ends it. */
export type Sender = (
  request: PluginRequest,
  body: Uint8Array,
  options: { readonly agent: Agent; readonly signal: AbortSignal },
) => Promise<Answer>;

async function send(
  { url, method, headers }: PluginRequest,
  body: Uint8Array,
  { agent, signal: over }: Parameters<Sender>[2],
): Promise<Answer> {
  const signal = AbortSignal.any([over, AbortSignal.timeout(egressLimits.timeoutMs)]);
  const answer = await agent.request({
    origin: url.origin,
    path: url.pathname + url.search,
    method,
    headers,
    body: body.length > 0 ? body : null,
    signal,
  });
  const chunks: Buffer[] = [];
  let total = 0;
  for await (const chunk of answer.body) {
    total += chunk.length;
    if (total > egressLimits.responseBytes) {
      throw new RequestRefused(`the answer has more than ${egressLimits.responseBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return {
    status: answer.statusCode,
    headers: Object.fromEntries(
      Object.entries(answer.headers).map(([name, value]) => [name, [value].flat().join(", ")]),
    ),
    body: Buffer.concat(chunks),
  };
}
