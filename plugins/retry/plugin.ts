import { definePlugin } from "@sandgate/plugin-sdk";

export default definePlugin({
  name: "retry",
  version: "1.0.0",
  description: "Asks an upstream once more after errors that may pass, with growing pauses.",
  category: "traffic",
  // Without it the client gets the error that there is already.
  failure: "open",
  hooks: {
    error: {
      reads: [
        "error",
        "context.attempt",
        "context.targets",
        "response.headers.retry-after",
        "response.headers.retry-after-ms",
      ],
      writes: ["retry"],
      priority: 2,
    },
  },
  configSchema: {
    type: "object",
    additionalProperties: false,
    properties: {
      attempts: {
        type: "integer",
        description: "Most attempts, the first one included",
        minimum: 2,
        maximum: 10,
        default: 3,
      },
      statuses: {
        type: "array",
        description: "Statuses of upstreams that are worth another attempt",
        items: { type: "integer", minimum: 400, maximum: 599 },
        uniqueItems: true,
        maxItems: 100,
        default: [408, 409, 425, 429, 500, 502, 503, 504, 529],
      },
      codes: {
        type: "array",
        description: "Errors without an answer of the upstream that are worth another attempt",
        items: { enum: ["upstream_unreachable", "upstream_timeout", "upstream_reset", "upstream_invalid"] },
        uniqueItems: true,
        default: ["upstream_unreachable", "upstream_reset"],
      },
      target: {
        description: "Which target of the service is asked: another one where there is one, or the same",
        enum: ["next", "same"],
        default: "next",
      },
      firstMs: {
        type: "integer",
        description: "The pause before the second attempt; before each later one it is twice as long",
        minimum: 0,
        maximum: 60_000,
        default: 250,
      },
      longestMs: {
        type: "integer",
        description: "The longest pause; an upstream that asks for a longer one is not asked again",
        minimum: 0,
        maximum: 60_000,
        default: 8_000,
      },
    },
  },

  configure({ statuses, codes }) {
    if (statuses.length + codes.length === 0)
      throw new Error("statuses, codes: with none there is nothing to retry");
  },

  error({ error, context, response }, host) {
    const { attempts, statuses, codes, target, firstMs, longestMs } = host.config;
    const isWorth =
      error.upstreamStatus === undefined
        ? codes.some((code) => code === error.code)
        : error.code === "upstream_error" && statuses.includes(error.upstreamStatus);
    if (!isWorth || context.attempt < 1 || context.attempt >= attempts) return;
    const isAnother = target === "next" && (context.targets?.length ?? 0) > 1;
    // What an upstream asks for holds for itself, not for another one.
    const askedMs = isAnother ? 0 : retryAfterMs(response?.headers ?? {}, host.now());
    if (askedMs > longestMs) return;
    const pauseMs = Math.min(firstMs * 2 ** (context.attempt - 1), longestMs);
    // From half of it on: clients that failed together must not come back together.
    const delayMs = Math.ceil(Math.max(askedMs, pauseMs * (0.5 + host.random.number() / 2)));
    return { type: "retry", target, delayMs };
  },
});

/** RFC 9110 10.2.3: seconds, or a date. OpenAI and Anthropic say it in milliseconds too. 0 where it is not said. */
function retryAfterMs(headers: { readonly [name: string]: string | undefined }, now: number): number {
  const { "retry-after-ms": exact = "", "retry-after": field = "" } = headers;
  if (/^\d{1,9}(\.\d+)?$/.test(exact)) return Number(exact);
  if (/^\d{1,9}$/.test(field)) return Number(field) * 1_000;
  const date = Date.parse(field);
  return Number.isNaN(date) ? 0 : Math.max(0, date - now);
}
