import { definePlugin } from "@sandgate/plugin-sdk";

export default definePlugin({
  name: "fallback",
  version: "1.0.0",
  description: "Asks another service or another model when the one that was asked cannot answer.",
  category: "traffic",
  // Without it the client gets the error that there is already.
  failure: "open",
  hooks: {
    error: {
      reads: ["error", "context.attempt", "context.service", "context.tags", "request.body#/model"],
      writes: ["fallback", "tags"],
      // After plugins that would rather ask the same once more.
      priority: 3,
    },
  },
  configSchema: {
    type: "object",
    additionalProperties: false,
    required: ["to"],
    properties: {
      to: {
        type: "array",
        description: "Where to go, in this order",
        minItems: 1,
        maxItems: 9,
        items: {
          type: "object",
          additionalProperties: false,
          anyOf: [{ required: ["service"] }, { required: ["model"] }],
          properties: {
            service: { type: "string", minLength: 1, maxLength: 256 },
            model: { type: "string", minLength: 1, maxLength: 256 },
          },
        },
      },
      statuses: {
        type: "array",
        description: "Statuses of upstreams after which the next is asked",
        items: { type: "integer", minimum: 400, maximum: 599 },
        uniqueItems: true,
        maxItems: 100,
        default: [408, 409, 425, 429, 500, 502, 503, 504, 529],
      },
      codes: {
        type: "array",
        description: "Errors without an answer of the upstream after which the next is asked",
        items: { enum: ["upstream_unreachable", "upstream_timeout", "upstream_reset", "upstream_invalid"] },
        uniqueItems: true,
        default: ["upstream_unreachable", "upstream_timeout", "upstream_reset", "upstream_invalid"],
      },
    },
  },

  error({ error, context, request }, host) {
    const { to, statuses, codes } = host.config;
    const isWorth =
      error.upstreamStatus === undefined
        ? codes.some((code) => code === error.code)
        : error.code === "upstream_error" && statuses.includes(error.upstreamStatus);
    if (!isWorth || context.attempt < 1) return;
    const asked = Number(context.tags["fallback"] ?? 0);
    const next = to.findIndex(
      ({ service = context.service, model }, index) =>
        // What has just failed would only fail again.
        index >= asked &&
        (service !== context.service || (model !== undefined && model !== modelIn(request.body))),
    );
    const place = to[next];
    if (place === undefined) return;
    return [
      { type: "tag", name: "fallback", value: `${next + 1}` },
      { type: "fallback", ...place },
    ];
  },
});

function modelIn(body: unknown): unknown {
  return typeof body === "object" && body !== null && "model" in body ? body.model : undefined;
}
