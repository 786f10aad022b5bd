import { definePlugin, type Effect, type Host } from "@sandgate/plugin-sdk";

export default definePlugin({
  name: "health-check",
  version: "1.0.0",
  description:
    "Asks each target from time to time whether it works, and takes those that do not out of the turn.",
  category: "traffic",
  capabilities: ["http", "secrets"],
  hooks: {
    schedule: { every: "30s", reads: ["context.targets"], writes: ["health"] },
  },
  configSchema: {
    type: "object",
    additionalProperties: false,
    properties: {
      path: {
        type: "string",
        description: "What is asked for, after the URL of the target",
        pattern: "^/",
        maxLength: 1_024,
        default: "/models",
      },
      method: { description: "How", enum: ["GET", "POST", "HEAD"], default: "GET" },
      headers: {
        type: "object",
        description: "Headers of the request; {{secret:NAME}} in a value stands for a granted secret",
        additionalProperties: { type: "string", maxLength: 1_024 },
        maxProperties: 20,
        default: {},
      },
      body: { type: "string", description: "Body of a POST, sent as JSON", maxLength: 16_384 },
      statuses: {
        type: "array",
        description: "Statuses of a target that works",
        items: { type: "integer", minimum: 100, maximum: 599 },
        minItems: 1,
        uniqueItems: true,
        maxItems: 100,
        default: [200],
      },
    },
  },

  configure({ method, body }) {
    if (body !== undefined && method !== "POST")
      throw new Error(`body: a ${method} has none; set method: POST`);
  },

  schedule({ context }, host) {
    return (context?.targets ?? []).map((target): Effect => {
      const status = probe(target.url, host);
      const healthy = host.config.statuses.includes(status);
      // Of every probe there would be a line for each target for ever.
      if (healthy !== target.healthy) {
        host.log[healthy ? "info" : "warn"](healthy ? "a target works again" : "a target does not work", {
          target: target.url,
          status,
        });
      }
      return { type: "health", url: target.url, healthy };
    });
  },
});

type Config = {
  readonly path: string;
  readonly method: string;
  readonly headers: { readonly [name: string]: string };
  readonly body?: string;
};

/** The status; 0 where there was no answer. */
function probe(url: string, { http, config }: Pick<Host<Config>, "http" | "config">): number {
  const { path, method, headers, body } = config;
  const request = { url: `${url.replace(/\/+$/, "")}${path}`, method, headers };
  const answer = http.request(
    body === undefined
      ? request
      : { ...request, headers: { "content-type": "application/json", ...headers }, body },
  );
  return answer.status;
}
