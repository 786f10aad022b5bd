import { definePlugin } from "@sandgate/plugin-sdk";
import { refuse } from "@sandgate/plugin-sdk/effects";

/** Made by `configure`, which runs once: every request starts with what it left here. */
let denied: readonly RegExp[] = [];

export default definePlugin({
  name: "__NAME__",
  version: "1.0.0",
  description: "Refuses chats that are too long or hold a text that is not allowed.",
  category: "security",
  hooks: {
    pre_request: { reads: ["request.body#/messages"], writes: ["respond"], priority: 1 },
  },
  configSchema: {
    type: "object",
    additionalProperties: false,
    properties: {
      maxChars: {
        type: "integer",
        minimum: 1,
        default: 8000,
        description: "Characters of all messages together",
      },
      deny: {
        type: "array",
        items: { type: "string", minLength: 1, maxLength: 200 },
        maxItems: 50,
        default: [],
        description: "Regular expressions; a chat in which one of them matches is refused",
      },
    },
  },

  configure({ deny }) {
    // An expression that is none throws here, and the gateway refuses the config.
    denied = deny.map((source) => new RegExp(source, "iu"));
  },

  preRequest({ request }, host) {
    const texts = textsIn(request.body?.messages);
    const chars = texts.reduce((sum, text) => sum + text.length, 0);
    const { maxChars } = host.config;
    if (chars > maxChars) {
      return refuse(
        400,
        `The chat has ${chars} characters; at most ${maxChars} are allowed.`,
        "prompt_too_long",
      );
    }
    if (texts.some((text) => denied.some((pattern) => pattern.test(text)))) {
      // The client is not told which rule it was: that would help to get around it.
      host.log.info("a prompt was refused", { chars });
      return refuse(400, "The chat holds a text that is not allowed.", "prompt_denied");
    }
  },
});

/** Of OpenAI's and Anthropic's chats: a message's content is a text, or a list of parts of which some have a text. */
function textsIn(messages: unknown): string[] {
  return itemsOf(messages).flatMap((message) => {
    const content = memberOf(message, "content");
    if (typeof content === "string") return [content];
    return itemsOf(content).flatMap((part) => {
      const text = memberOf(part, "text");
      return typeof text === "string" ? [text] : [];
    });
  });
}

function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
