import { definePlugin } from "@sandgate/plugin-sdk";
import { tag } from "@sandgate/plugin-sdk/effects";

export default definePlugin({
  name: "__NAME__",
  version: "1.0.0",
  description: "Tells how quickly a streamed answer came, after it has ended.",
  category: "observability",
  // The answer has been sent: a mistake in here must not matter to anybody.
  failure: "open",
  hooks: {
    post_request: {
      // Events of a stream go to the client at once. When the last is sent, the tokens are known.
      at: "completion",
      reads: ["request.body#/stream", "response.usage", "error", "context.durationMs"],
      writes: ["tags"],
    },
  },
  configSchema: {
    type: "object",
    additionalProperties: false,
    properties: {
      slowTokensPerSecond: {
        type: "number",
        minimum: 0,
        default: 5,
        description: "Tokens per second below which a stream is a warning",
      },
    },
  },

  postRequest({ request, response, error, context }, host) {
    if (request.body?.stream !== true) return;
    const tokens = response?.usage?.outputTokens;
    if (error !== undefined) {
      host.log.warn("a stream did not end well", { code: error.code, outputTokens: tokens ?? null });
      return tag("stream", "broken");
    }
    if (tokens === undefined || tokens === 0) return tag("stream", "no-usage");
    // The time from the first byte of the request on, so the wait for the first token counts.
    const perSecond = Math.round((tokens / context.durationMs) * 10_000) / 10;
    if (perSecond < host.config.slowTokensPerSecond) {
      host.log.warn("a slow stream", { perSecond, outputTokens: tokens, durationMs: context.durationMs });
    }
    return [tag("stream", "complete"), tag("tokens-per-second", String(perSecond))];
  },
});
