import { type Answer, endOf, type Sender } from "../../host/capabilities/http-send.ts";
import type { Json } from "../abi/from-schema.ts";

/** What a plugin has sent. A secret stands in it as the plugin wrote it: `{{secret:NAME}}`. */
export type SentRequest = {
  readonly method: string;
  readonly url: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** As text. */
  readonly body: string;
};

/** What the plugin gets; with `error` the request fails as on a broken network. A body that is no text is sent as JSON. */
export type HttpAnswer =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: Json }
  | { readonly error: string };

export type HttpScript = (request: SentRequest) => HttpAnswer | Promise<HttpAnswer>;

/** Takes the place of the network. */
export type ScriptedHttp = {
  readonly send: Sender;
  readonly requests: readonly SentRequest[];
  /** Throws what the script has thrown since the last time: to the plugin that is a network that fails. */
  rethrow(): void;
};

/** @param secrets by name, as the binding has them */
export function createScriptedHttp(
  script: HttpScript | undefined,
  secrets: Readonly<Record<string, string>>,
): ScriptedHttp {
  const requests: SentRequest[] = [];
  const thrown: unknown[] = [];

  async function answer(request: SentRequest): Promise<HttpAnswer> {
    if (script === undefined) return { error: "nothing is sent: the test gives no answers for http" };
    try {
      return await script(request);
    } catch (fault) {
      thrown.push(fault);
      return { error: "the test failed to answer" };
    }
  }

  return {
    requests,
    async send(sent, body, { signal }) {
      const { url, method, headers } = sent;
      const request = {
        method,
        url: url.href,
        headers: withReferences(headers, secrets),
        body: Buffer.from(body).toString("utf8"),
      };
      requests.push(request);
      return bytesOf(await Promise.race([answer(request), over(endOf(sent, signal))]));
    },
    rethrow() {
      const [first] = thrown.splice(0);
      if (first !== undefined) throw first;
    },
  };
}

/** Rejects when the call, or the time that a request has, is over; the plugin cannot go on before. */
function over(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  if (signal.aborted) reject(signal.reason);
  else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  // The answer is usually there first, and then nobody waits for this.
  promise.catch(() => {});
  return promise;
}

function bytesOf(answer: HttpAnswer): Answer {
  if ("error" in answer) throw new Error(answer.error);
  const { status, headers = {}, body } = answer;
  const isText = body === undefined || typeof body === "string";
  const own = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  return {
    status,
    headers: { ...(isText ? {} : { "content-type": "application/json" }), ...Object.fromEntries(own) },
    body: Buffer.from(isText ? (body ?? "") : JSON.stringify(body)),
  };
}

function withReferences(
  headers: Readonly<Record<string, string>>,
  secrets: Readonly<Record<string, string>>,
): Record<string, string> {
  // The longest first: one secret may begin as another does.
  const byLength = Object.entries(secrets).sort(([, one], [, other]) => other.length - one.length);
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.toLowerCase(),
      byLength.reduce((text, [secret, held]) => text.replaceAll(held, () => `{{secret:${secret}}}`), value),
    ]),
  );
}
