import { definePlugin } from "@sandgate/plugin-sdk";

/** Where the SDKs of OpenAI, Anthropic, Google and Azure put a key. */
const keyHeaders = ["authorization", "x-api-key", "x-goog-api-key", "api-key"] as const;
type KeyHeader = (typeof keyHeaders)[number];

export default definePlugin({
  name: "key-auth",
  version: "1.0.0",
  description: "Finds out which consumer is calling by the API key in the request.",
  category: "security",
  capabilities: ["consumers"],
  hooks: {
    pre_request: {
      reads: [
        "request.headers.authorization",
        "request.headers.x-api-key",
        "request.headers.x-goog-api-key",
        "request.headers.api-key",
      ],
      writes: ["identify"],
      priority: 1,
    },
  },
  configSchema: {
    type: "object",
    additionalProperties: false,
    properties: {
      headers: {
        type: "array",
        description: "Headers that may hold a key; the first that does decides",
        items: { enum: keyHeaders },
        minItems: 1,
        uniqueItems: true,
        default: keyHeaders,
      },
    },
  },

  preRequest({ request }, host) {
    for (const name of host.config.headers) {
      const key = keyIn(name, request.headers[name] ?? "");
      if (key === "") continue;
      const consumer = host.consumers.find(key);
      // An unknown key ends the search: see the README.
      return consumer === null ? [] : [{ type: "identify", consumer }];
    }
    return [];
  },
});

/** The key that a header's value holds; empty when it holds none, as with `Basic` credentials. */
function keyIn(name: KeyHeader, value: string): string {
  const text = value.trim();
  if (name !== "authorization") return text;
  return text.slice(0, 7).toLowerCase() === "bearer " ? text.slice(7).trim() : "";
}
