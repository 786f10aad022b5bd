import { egressLimits } from "#host/limits.ts";
import type { Capability, HostCall, HostImport } from "./capability.ts";
import { createEgress, type Egress, parseGrant } from "./egress.ts";
import { type Ask, requestAll } from "./http-all.ts";
import {
  checkRequest,
  type HttpRights,
  type PluginRequest,
  parseRequest,
  RequestRefused,
} from "./http-request.ts";
import {
  type Answer,
  type ByteBudget,
  requireNoSecret,
  type Sender,
  send,
  textOfFailure,
} from "./http-send.ts";
import { userImportNames, userImports } from "./user-functions.ts";

const namespace = "extism:host/env";

/** What a plugin can ask about its last request. */
type Exchange = { requests: number; status: number; headers: Readonly<Record<string, string>> };

/**
 * `http_request(request JSON, body) -> body`, `http_status_code`, `http_headers` of the Extism ABI, to the hosts
 * that the binding's `grants.http` lists. Redirects are handed to the plugin, never followed: the next hop
 * is a request of its own and meets the same guard. A request that is refused or fails has status 0 and no body;
 * the plugin's log says why. `http_request_all` sends several at once. Limits: `egressLimits`. Of the `secrets`, by name, a binding may use those of its `grants.secrets`.
 */
export function createHttp(secrets: Readonly<Record<string, string>>, sender: Sender = send): Capability {
  return {
    name: "http",
    imports: [
      ...["http_request", "http_status_code", "http_headers"].map((name) => `${namespace}.${name}`),
      ...userImportNames("http"),
    ],
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

type Asking = { readonly call: HostCall; readonly budget?: ByteBudget };

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

  function countRequest(call: HostCall): void {
    if (++exchangeOf(call).requests > egressLimits.requests) {
      throw new RequestRefused(`more than ${egressLimits.requests} requests in one call`, "limit");
    }
  }

  /** What is asked for within `budget`, of one request or of all that are sent at once. */
  async function answerTo(
    wanted: PluginRequest,
    body: Uint8Array,
    { call, budget = { left: egressLimits.responseBytes } }: Asking,
  ): Promise<Answer> {
    const agent = egress.agent(wanted.privateAllowed);
    const answer = await sender(wanted, body, { agent, signal: call.signal, budget });
    requireNoSecret(answer, wanted.secrets);
    return answer;
  }

  /** With one budget for all answers. */
  function askTogether(call: HostCall): Ask {
    const budget = { left: egressLimits.responseBytes };
    return async (wanted, body) => {
      countRequest(call);
      return await answerTo(checkRequest(wanted, rights), body, { call, budget });
    };
  }

  async function request(call: HostCall, requestOffset: bigint, bodyOffset: bigint): Promise<bigint> {
    const exchange = exchangeOf(call);
    Object.assign(exchange, { status: 0, headers: {} });
    try {
      countRequest(call);
      const wanted = parseRequest(call.readText(requestOffset), rights);
      const body = call.read(bodyOffset);
      if (body.length > egressLimits.requestBytes) {
        throw new RequestRefused(`body of ${body.length} bytes; the limit is ${egressLimits.requestBytes}`);
      }
      const answer = await answerTo(wanted, body, { call });
      const offset = call.write(answer.body);
      if (offset === 0n && answer.body.length > 0) {
        throw new RequestRefused("the call has no memory left for the answer");
      }
      Object.assign(exchange, { status: answer.status, headers: answer.headers });
      return offset;
    } catch (reason) {
      // The network is a border: what fails out there is a value for the plugin, not the end of its call.
      call.log("error", `http_request: ${textOfFailure(reason)}`);
      return 0n;
    }
  }

  return {
    ...userImports(
      "http",
      {
        http_request_all: (call, listAt = 0n, bodiesAt = 0n) =>
          requestAll(call, [listAt, bodiesAt], askTogether(call)),
      },
      { suspends: true },
    ),
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
