import type { Surface } from "#host/surface.ts";

/** An event as an SSE parser reads it. */
export type ReadEvent = { readonly event?: string | undefined; readonly data: string };

/** How each API says that an answer is complete; null where it does not. */
export function lastEvent(surface: Surface, path: string): ((event: ReadEvent) => boolean) | null {
  switch (surface) {
    case "openai":
      return /\/completions\/?$/.test(path) ? ({ data }) => data.trim() === "[DONE]" : null;
    case "openai-responses":
      return ({ event, data }) => responseEnd.test(event ?? "") || responseEndData.test(data);
    case "anthropic":
      return ({ event, data }) => event === "message_stop" || messageEndData.test(data);
    case "gemini":
      return null;
    default:
      return surface satisfies never;
  }
}

const responseEnd = /^response\.(completed|failed|incomplete)$/;
/** For upstreams that name the event in its data alone: `type` comes first, before any text of the model. */
const responseEndData = /^\s*\{\s*"type"\s*:\s*"(response\.(completed|failed|incomplete)|error)"/;
const messageEndData = /^\s*\{\s*"type"\s*:\s*"message_stop"/;
