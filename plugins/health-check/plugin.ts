import { definePlugin, type Effect, type HttpRequest } from "@sandgate/plugin-sdk";

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
      timeoutMs: {
        type: "integer",
        description: "When a target that does not answer counts as one that does not work",
        minimum: 1,
        maximum: 10_000,
        default: 1_500,
      },
    },
  },

  configure({ method, body }) {
    if (body !== undefined && method !== "POST")
      throw new Error(`body: a ${method} has none; set method: POST`);
  },

  schedule({ context }, host) {
    const targets = context?.targets ?? [];
    const from = targets.length > mostAtOnce ? Math.floor(host.random.number() * targets.length) : 0;
    const asked = [...targets.slice(from), ...targets.slice(0, from)].slice(0, mostAtOnce);
    const answers = host.http.requestAll(asked.map(({ url }) => probeOf(url, host.config)));
    return asked.map((target, index): Effect => {
      const { status, error } = answers[index] ?? { status: 0 };
      const healthy = host.config.statuses.includes(status);
      // Of every probe there would be a line for each target for ever.
      if (healthy !== target.healthy) {
        host.log[healthy ? "info" : "warn"](healthy ? "a target works again" : "a target does not work", {
          target: target.url,
          status,
          ...(error === undefined ? {} : { error }),
        });
      }
      return { type: "health", url: target.url, healthy };
    });
  },
});

/** What a call may send. Of more targets some have their turn, from another one each time, and of the others nothing is said. */
const mostAtOnce = 8;

type Config = {
  readonly path: string;
  readonly method: string;
  readonly headers: { readonly [name: string]: string };
  readonly body?: string;
  readonly timeoutMs: number;
};

function probeOf(url: string, { path, method, headers, body, timeoutMs }: Config): HttpRequest {
  const request = { url: `${url.replace(/\/+$/, "")}${path}`, method, headers, timeoutMs };
  if (body === undefined) return request;
  return { ...request, headers: { "content-type": "application/json", ...headers }, body };
}
