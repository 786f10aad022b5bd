import { definePlugin } from "@sandgate/plugin-sdk";
import { identify } from "@sandgate/plugin-sdk/effects";

export default definePlugin({
  name: "__NAME__",
  version: "1.0.0",
  description: "Finds out who is calling by an API key in a header.",
  category: "security",
  capabilities: ["consumers"],
  hooks: {
    pre_request: {
      // A header that holds a credential is delivered only when it is named.
      reads: ["request.headers.authorization", "request.headers.x-api-key"],
      // What writes `identify` is an authenticator: it runs before all other plugins.
      writes: ["identify"],
      priority: 1,
    },
  },
  configSchema: {
    type: "object",
    additionalProperties: false,
    properties: {
      header: {
        enum: ["authorization", "x-api-key"],
        default: "authorization",
        description: "Header that holds the key",
      },
    },
  },

  preRequest({ request }, host) {
    const key = keyIn(request.headers[host.config.header] ?? "");
    const consumer = key === "" ? null : host.consumers.find(key);
    // No effect for an unknown key: another authenticator may know it. When none does, the gateway answers 401.
    return consumer === null ? undefined : identify(consumer);
  },
});

/** The key without the scheme that stands before it in `authorization`. */
function keyIn(value: string): string {
  return value.replace(/^bearer\s+/i, "").trim();
}
