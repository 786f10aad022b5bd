import { performance } from "node:perf_hooks";
import type { ServiceConfig } from "#config/schema.ts";
import { GatewayError } from "#host/errors.ts";
import { send } from "../send.ts";
import { createTarget, type Target } from "../target.ts";
import { createTargets, type PickedEntry } from "../targets.ts";
import type { Provider, UpstreamAnswer, UpstreamRequest } from "./provider.ts";

/**
 * Statuses by which a target, or the proxy before it, says that it cannot serve: 401 is about the key of the target. Not 403,
 * 429 or 500, which a client can bring about by what it asks for.
 */
const unable: ReadonlySet<number> = new Set([401, 502, 503, 504]);

/**
 * Whatever speaks OpenAI's API over HTTP: OpenAI, vLLM, Ollama, most gateways. The target's key goes as a
 * Bearer token. Several targets take turns by weight; one that keeps failing rests.
 */
export function createOpenAi(service: Extract<ServiceConfig, { provider: "openai" }>): Provider {
  const all = service.targets
    .filter((target) => target.key !== "")
    .map((target) => createTarget(target, service.timeouts));
  const targets = createTargets(all, () => performance.now());
  return {
    off: all.length > 0 ? null : "every target has an empty key",
    pick(wish) {
      const picked = targets.pick(wish);
      if (picked === null) throw new Error("a service that is off was asked");
      const { key, target } = picked;
      return { key, url: target.url, send: (request) => ask(picked, request) };
    },
    mark: targets.mark,
    failedProbes: targets.failedProbes,
    targets: targets.list,
    close: async () => {
      await Promise.all(all.map((target) => target.pool.close()));
    },
  };
}

async function ask(picked: PickedEntry<Target>, request: UpstreamRequest): Promise<UpstreamAnswer> {
  const { target } = picked;
  const headers =
    target.key === null ? request.headers : { ...request.headers, authorization: `Bearer ${target.key}` };
  try {
    const answer = await send(target, { ...request, headers });
    if (answer.status < 400) return { ...answer, body: watched(answer.body, picked) };
    picked.report(!unable.has(answer.status));
    return answer;
  } catch (thrown) {
    reportFailure(picked, thrown);
    throw thrown;
  }
}

/** The same body. The target has done well once something of it is there: some proxies send headers before they know. */
function watched(body: AsyncIterable<Uint8Array>, picked: PickedEntry<Target>): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      const reader = body[Symbol.asyncIterator]();
      let first: Promise<IteratorResult<Uint8Array>> | null = null;
      return {
        next() {
          if (first !== null) return reader.next();
          first = reader.next();
          first.then(
            () => picked.report(true),
            (thrown: unknown) => reportFailure(picked, thrown),
          );
          return first;
        },
        return: () => reader.return?.() ?? Promise.resolve({ done: true, value: undefined }),
      };
    },
  };
}

/** A client that leaves says nothing about the target. */
function reportFailure(picked: PickedEntry<Target>, thrown: unknown): void {
  if (thrown instanceof GatewayError && thrown.blame === "upstream") picked.report(false);
}
