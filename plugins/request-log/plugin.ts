import { definePlugin } from "@sandgate/plugin-sdk";
import { credentialHeader } from "./credential-header.ts";

/** Of one value from outside. With at most 20 tags and 20 headers the line stays below the host's 64 KiB. */
const maxChars = 512;

export default definePlugin({
  name: "request-log",
  version: "1.0.0",
  description: "Writes one structured log line per request after it ended.",
  category: "observability",
  failure: "open",
  hooks: {
    post_request: {
      at: "completion",
      reads: [
        "request.method",
        "request.path",
        "request.headers",
        "request.body#/model",
        "response.status",
        "response.usage",
        "error",
        "context",
      ],
      priority: 3,
    },
  },
  configSchema: {
    type: "object",
    additionalProperties: false,
    properties: {
      level: {
        description: "Level of the line",
        enum: ["trace", "debug", "info", "warn", "error"],
        default: "info",
      },
      tags: {
        type: "array",
        description: "Tags to add, by name; other plugins set them",
        items: { type: "string", minLength: 1, maxLength: 128 },
        maxItems: 20,
        uniqueItems: true,
        default: [],
      },
      headers: {
        type: "array",
        description: "Request headers to add, by name; none that holds a credential",
        items: { type: "string", minLength: 1, maxLength: 256 },
        maxItems: 20,
        uniqueItems: true,
        default: [],
      },
    },
  },

  configure({ headers }) {
    const refused = headers.filter(credentialHeader);
    if (refused.length > 0) {
      throw new Error(`headers: ${refused.join(", ")} may hold a credential, which no log should have`);
    }
  },

  postRequest({ request, response, error, context }, host) {
    const { level, tags, headers } = host.config;
    const names = headers.map((name) => name.toLowerCase());
    host.log[level](error === undefined ? "request completed" : "request failed", {
      ...short({
        requestId: context.requestId,
        method: request.method,
        path: request.path,
        route: context.route,
        service: context.service,
        consumer: context.consumer,
        model: modelIn(request.body),
        status: response?.status ?? error?.status,
        durationMs: context.durationMs,
        inputTokens: response?.usage?.inputTokens,
        outputTokens: response?.usage?.outputTokens,
        errorCode: error?.code,
        blame: error?.blame,
        errorMessage: error?.message,
        plugin: error?.plugin,
        upstreamStatus: error?.upstreamStatus,
      }),
      ...(tags.length > 0 && { tags: short(pick(context.tags, tags)) }),
      ...(headers.length > 0 && { headers: short(pick(request.headers, names)) }),
    });
  },
});

function modelIn(body: unknown): string | undefined {
  const model = typeof body === "object" && body !== null && "model" in body ? body.model : undefined;
  return typeof model === "string" ? model : undefined;
}

type Values = { readonly [name: string]: string };

/** Of the names that are there; `constructor` is only there when somebody sent it. */
function pick(values: Values, names: readonly string[]): Values {
  return Object.fromEntries(
    names.flatMap((name) => (Object.hasOwn(values, name) ? [[name, values[name] ?? ""]] : [])),
  );
}

/** Without what is absent, and long texts cut. */
function short(values: { readonly [name: string]: string | number | undefined }) {
  const short: { [name: string]: string | number } = Object.create(null);
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue;
    short[name] =
      typeof value === "string" && value.length > maxChars ? `${value.slice(0, maxChars)}…` : value;
  }
  return short;
}
