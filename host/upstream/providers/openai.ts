import type { ServiceConfig } from "#config/schema.ts";
import { send } from "../send.ts";
import { createTarget } from "../target.ts";
import type { Provider } from "./provider.ts";

/**
 * Whatever speaks OpenAI's API over HTTP: OpenAI, vLLM, Ollama, most gateways. The target's key goes as a
 * Bearer token. Several targets take turns.
 */
export function createOpenAi(service: Extract<ServiceConfig, { provider: "openai" }>): Provider {
  const targets = service.targets
    .filter((target) => target.key !== "")
    .map((target) => createTarget(target, service.timeouts));
  let turn = 0;
  return {
    off: targets.length > 0 ? null : "every target has an empty key",
    send: (request) => {
      const target = targets[turn % targets.length];
      turn = (turn + 1) % targets.length;
      if (target === undefined) throw new Error("a service that is off was asked");
      const headers =
        target.key === null ? request.headers : { ...request.headers, authorization: `Bearer ${target.key}` };
      return send(target, { ...request, headers });
    },
    close: async () => {
      await Promise.all(targets.map((target) => target.pool.close()));
    },
  };
}
