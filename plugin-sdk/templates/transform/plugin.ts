import { definePlugin, type Effect } from "@sandgate/plugin-sdk";
import { patchRequestBody } from "@sandgate/plugin-sdk/effects";

type Operation = Extract<Effect, { type: "patch-body" }>["patch"][number];

export default definePlugin({
  name: "__NAME__",
  version: "1.0.0",
  description: "Puts a system message before every chat and limits the length of answers.",
  category: "transformation",
  hooks: {
    // Two members of the body: the rest of it is never brought into the plugin.
    pre_request: {
      reads: ["request.body#/messages", "request.body#/max_tokens"],
      writes: ["request.body"],
    },
  },
  configSchema: {
    type: "object",
    additionalProperties: false,
    properties: {
      system: {
        type: "string",
        minLength: 1,
        description: "System message that comes first; without it none is added",
      },
      maxTokens: {
        type: "integer",
        minimum: 1,
        description: "Most tokens of an answer; without it there is no limit",
      },
    },
  },

  preRequest({ request }, host) {
    const { messages, max_tokens: wanted } = request.body ?? {};
    const { system, maxTokens } = host.config;
    const patch: Operation[] = [];
    // `/messages/0` is before the first one.
    if (system !== undefined && Array.isArray(messages)) {
      patch.push({ op: "add", path: "/messages/0", value: { role: "system", content: system } });
    }
    if (
      maxTokens !== undefined &&
      messages !== undefined &&
      !(typeof wanted === "number" && wanted <= maxTokens)
    ) {
      patch.push({ op: "add", path: "/max_tokens", value: maxTokens });
    }
    return patch.length === 0 ? undefined : patchRequestBody(...patch);
  },
});
