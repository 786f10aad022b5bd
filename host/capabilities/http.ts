import type { Agent } from "undici";
import { egressLimits } from "#host/limits.ts";
import type { Capability, HostCall, HostImport } from "./capability.ts";
import { createEgress, type Egress, type EgressGrant, parseGrant } from "./egress.ts";
import { type PluginRequest, parseRequest, RequestRefused } from "./http-request.ts";

const namespace = "extism:host/env";

/** What a plugin can ask about its last request. */
type Exchange = { requests: number; status: number; headers: Readonly<Record<string, string>> };

/**
 * `http_request(request JSON, body) -> body`, `http_status_code`, `http_headers` of the Extism ABI, to the hosts
 * that the binding's `grants.http` lists. Redirects are handed to the plugin, never followed: the next hop
 * is a request of its own and meets the same guard. A request that is refused or fails has status 0 and no body;
 * the plugin's log says why. Limits: `egressLimits`.
 */
export function createHttp(): Capability {
  return {
    name: "http",
    imports: ["http_request", "http_status_code", "http_headers"].map((name) => `${namespace}.${name}`),
    grant({ grants }) {
      return grants.http === undefined || grants.http.length === 0
        ? null
        : httpImports(parseGrant(grants.http), createEgress());
    },
  };
}

function httpImports(grant: EgressGrant, egress: Egress): Readonly<Record<string, HostImport>> {
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
      const wanted = parseRequest(call.readText(requestOffset), grant);
      const body = call.read(bodyOffset);
      if (body.length > egressLimits.requestBytes) {
        throw new RequestRefused(`body of ${body.length} bytes; the limit is ${egressLimits.requestBytes}`);
      }
      const answer = await send(egress.agent(wanted.privateAllowed), wanted, body, call.signal);
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

/** Node tries all addresses of a name and then has no message, only the code of the last. */
function textOf(reason: unknown): string {
  if (!(reason instanceof Error)) return String(reason);
  return reason.message || ("code" in reason ? String(reason.code) : reason.name);
}

type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
};

async function send(
  agent: Agent,
  { url, method, headers }: PluginRequest,
  body: Uint8Array,
  over: AbortSignal,
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
