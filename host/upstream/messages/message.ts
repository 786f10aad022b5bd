import { upstreamLimits } from "#host/limits.ts";
import type { StreamEvent } from "#host/stream-event.ts";
import type { Surface } from "#host/surface.ts";
import type { Json } from "#sdk/abi/from-schema.ts";
import { anthropicMessage } from "./anthropic.ts";
import { chatMessage } from "./chat.ts";
import type { Message, MessageFormat } from "./format.ts";
import { geminiMessage } from "./gemini.ts";
import { responsesMessage } from "./responses.ts";

export function messageFormat(surface: Surface): MessageFormat {
  switch (surface) {
    case "openai":
      return chatMessage;
    case "openai-responses":
      return responsesMessage;
    case "anthropic":
      return anthropicMessage;
    case "gemini":
      return geminiMessage;
    default:
      return surface satisfies never;
  }
}

/** A message put together from the events of a stream. Undefined when these are longer than the host holds. */
export function assembleMessage(surface: Surface): {
  take(event: StreamEvent): void;
  value(): Json | undefined;
} {
  let message: Message | null = messageFormat(surface).begin();
  let bytes = 0;
  return {
    take(event) {
      bytes += event.bytes.length;
      if (bytes > upstreamLimits.bufferedBodyBytes) message = null;
      message?.take(event.data);
    },
    value: () => message?.value(),
  };
}
