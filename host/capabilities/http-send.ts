import type { Agent } from "undici";
import { egressLimits } from "#host/limits.ts";
import { latin1Text, repeatsSecret } from "#host/repeats-secret.ts";
import { type PluginRequest, RequestRefused } from "./http-request.ts";

/** By lower-case name the headers. */
export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
};

/** Bytes that may come yet, of all answers together that are waited for at once. */
export type ByteBudget = { left: number };

/** Sends a request that the binding may make; what it throws is a request that failed. `signal` ends it. */
export type Sender = (
  request: PluginRequest,
  body: Uint8Array,
  options: { readonly agent: Agent; readonly signal: AbortSignal; readonly budget: ByteBudget },
) => Promise<Answer>;

/** Over the network. */
export const send: Sender = async (request, body, { agent, signal: over, budget }) => {
  const { url, method, headers } = request;
  const answer = await agent.request({
    origin: url.origin,
    path: url.pathname + url.search,
    method,
    headers,
    body: body.length > 0 ? body : null,
    signal: endOf(request, over),
  });
  const chunks: Buffer[] = [];
  for await (const chunk of answer.body) {
    budget.left -= chunk.length;
    if (budget.left < 0) {
      throw new RequestRefused(`the answer has more than ${egressLimits.responseBytes} bytes`, "limit");
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
};

/** Aborted when the call is over, or the time that the request has. */
export function endOf({ timeoutMs }: PluginRequest, call: AbortSignal): AbortSignal {
  return AbortSignal.any([call, AbortSignal.timeout(timeoutMs)]);
}

/** A host that answers with what it was asked would hand the plugin what it must not hold. @throws RequestRefused */
export function requireNoSecret({ headers, body }: Answer, secrets: readonly string[]): void {
  if (secrets.length === 0) return;
  const texts = [latin1Text(body), JSON.stringify(headers)];
  if (texts.some((text) => repeatsSecret(text, secrets))) {
    throw new RequestRefused("the answer repeats a secret of the request");
  }
}

/** Why there is no answer, as a plugin is told: what is out there is for the operator's log. */
export type HttpFailure = "refused" | "limit" | "timeout" | "failed";

export function failureOf(reason: unknown): HttpFailure {
  if (reason instanceof RequestRefused) return reason.failure;
  const { name = "", code = "" } = reason instanceof Error ? (reason as NodeJS.ErrnoException) : {};
  if (name === "TimeoutError" || /TIMEOUT|TIMEDOUT/.test(String(code))) return "timeout";
  return code === "UND_ERR_RES_EXCEEDED_MAX_SIZE" ? "limit" : "failed";
}

/** Node tries all addresses of a name and then has no message, only the code of the last. */
export function textOfFailure(reason: unknown): string {
  if (!(reason instanceof Error)) return String(reason);
  return reason.message || ("code" in reason ? String(reason.code) : reason.name);
}
