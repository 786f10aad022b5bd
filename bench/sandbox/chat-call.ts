import { fileURLToPath } from "node:url";
import { compilePlugin } from "#sdk/compile/compile-plugin.ts";

/** The bytes of the compiled `chat-hook.ts`. */
export async function compileChatHook(): Promise<Uint8Array> {
  return (await compilePlugin(fileURLToPath(new URL("chat-hook.ts", import.meta.url)))).wasm;
}

/** The hook that it exports. */
export const chatHookName = "pre_request";

/** An input of the hook, about `bytes` long. */
export function chatInput(bytes: number): string {
  const messages = Array.from({ length: 8 }, (_, index) => ({
    role: index % 2 === 0 ? "user" : "assistant",
    content: sentence.repeat(Math.max(1, Math.round((bytes - 500) / 8 / sentence.length))),
  }));
  const body = {
    model: "large",
    messages,
    temperature: 0.7,
    stream: true,
    metadata: { user: "u-1", team: "blue" },
  };
  return JSON.stringify({ stage: "pre_request", request: { body } });
}

const sentence = 'Please write to me@example.org about\n"it" tomorrow. ';
