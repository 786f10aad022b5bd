import { definePlugin } from "@sandgate/plugin-sdk";

type Message = { role: string; content: string };
type Chat = { model: string; messages: Message[]; temperature?: number; metadata?: Record<string, string> };

/** The plugin that the figures run: reads a chat request, edits it as plugins do, and puts it out. */
export default definePlugin({
  name: "chat-hook",
  version: "1.0.0",
  description: "Adds a system prompt, masks addresses, bounds the temperature.",
  category: "transformation",
  hooks: { pre_request: { reads: ["request.body"], writes: ["request.body"] } },

  preRequest({ request }) {
    const chat = request?.body as Chat;
    const messages = chat.messages.map(({ role, content }) => ({ role, content: masked(content) }));
    messages.unshift({ role: "system", content: "Answer in short sentences." });
    const temperature = Math.min(chat.temperature ?? 1, 1);
    const metadata = { ...chat.metadata, edited: "yes" };
    return { type: "replace-body", on: "request", body: { ...chat, messages, temperature, metadata } };
  },
});

function masked(text: string): string {
  return text.includes("@") ? text.replaceAll(/[\w.]+@[\w.]+/g, "(address)") : text;
}
