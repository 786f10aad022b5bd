import { definePlugin } from "@sandgate/plugin-sdk";

export default definePlugin({
  name: "__NAME__",
  version: "1.0.0",
  description: "Logs how long a request took and the tokens that it used.",
  category: "observability",
  // The answer has been sent: a mistake in here must not matter to anybody.
  failure: "open",
  hooks: {
    post_request: {
      at: "completion",
      reads: [
        "request.body#/model",
        "response.status",
        "response.usage",
        "error",
        "context.consumer",
        "context.durationMs",
      ],
    },
  },
  configSchema: {
    type: "object",
    additionalProperties: false,
    properties: {
      slowMs: {
        type: "integer",
        minimum: 1,
        default: 10_000,
        description: "Milliseconds from which on a request is a warning",
      },
    },
  },

  postRequest({ request, response, error, context }, host) {
    const { durationMs } = context;
    const level = error !== undefined || durationMs >= host.config.slowMs ? "warn" : "info";
    host.log[level](error === undefined ? "request completed" : "request failed", {
      model: request.body?.model ?? null,
      consumer: context.consumer ?? null,
      // A request that failed may have no answer of an upstream.
      status: response?.status ?? error?.status ?? null,
      durationMs,
      inputTokens: response?.usage?.inputTokens ?? null,
      outputTokens: response?.usage?.outputTokens ?? null,
      errorCode: error?.code ?? null,
    });
  },
});
