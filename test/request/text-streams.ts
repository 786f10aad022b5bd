import { chunk, contentOf, done, finish } from "./event-plugin.ts";

export type StreamingApi = "openai" | "openai-responses" | "anthropic";
type Said = { readonly type: string; readonly [member: string]: unknown };
const named = (data: Said) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
/** The stream in which each API says a text in these pieces, and what of it a client takes for the text. */
export const apis: Readonly<
  Record<StreamingApi, { send(pieces: readonly string[]): string; heard(stream: string): string }>
> = {
  openai: {
    send: (pieces) => pieces.map((piece) => chunk(piece)).join("") + finish + done,
    heard: (stream) => contentOf(stream),
  },
  "openai-responses": {
    send(pieces) {
      const at = { output_index: 0, content_index: 0 };
      const delta = (text: string) => named({ type: "response.output_text.delta", ...at, delta: text });
      const whole = { ...at, text: pieces.join("") };
      const output = [{ type: "message", content: [{ type: "output_text", text: whole.text }] }];
      const completed = { type: "response.completed", response: { status: "completed", output } };
      const end = named({ type: "response.output_text.done", ...whole }) + named(completed);
      return pieces.map(delta).join("") + end;
    },
    heard: (stream) => saidIn(stream, ({ delta }) => delta),
  },
  anthropic: {
    send(pieces) {
      const start = { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } };
      const delta = (text: string) =>
        named({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } });
      const stop = { type: "content_block_stop", index: 0 };
      const end = { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 1 } };
      const message = {
        id: "m",
        type: "message",
        role: "assistant",
        content: [],
        usage: { input_tokens: 1 },
      };
      return [
        named({ type: "message_start", message }) + named(start),
        ...pieces.map(delta),
        named(stop) + named(end) + named({ type: "message_stop" }),
      ].join("");
    },
    heard: (stream) => saidIn(stream, ({ delta }) => (delta as { text?: unknown } | undefined)?.text),
  },
};

function saidIn(stream: string, textOf: (data: Readonly<Record<string, unknown>>) => unknown): string {
  const lines = stream.split("\n").filter((line) => line.startsWith("data: {"));
  const texts = lines.map((line) => textOf(JSON.parse(line.slice(6))));
  return texts.filter((text) => typeof text === "string").join("");
}
