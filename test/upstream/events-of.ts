import type { StreamEvent, StreamPiece } from "#host/stream-event.ts";
import type { Surface } from "#host/surface.ts";
import { readEvents } from "#host/upstream/events.ts";

const pathOf = {
  openai: "/v1/chat/completions",
  "openai-responses": "/v1/responses",
  anthropic: "/v1/messages",
  gemini: "/v1beta/models/g:streamGenerateContent",
} as const satisfies Record<Surface, string>;

export function apiOf(surface: Surface) {
  return { surface, path: pathOf[surface] };
}

/** What a stream that arrives in these pieces is read as. */
export async function piecesOf(surface: Surface, chunks: readonly Uint8Array[]): Promise<StreamPiece[]> {
  async function* source() {
    yield* chunks;
  }
  return Array.fromAsync(readEvents(source(), apiOf(surface)));
}

export async function eventsOf(surface: Surface, text: string | Uint8Array): Promise<StreamEvent[]> {
  const pieces = await piecesOf(surface, [Buffer.from(text)]);
  return pieces.filter((piece) => piece.kind === "event");
}
