import type { Json } from "#sdk/abi/from-schema.ts";
import { asObject, listIn, member, numberIn, objectIn, textIn } from "../json-path.ts";
import { jsonValue } from "../json-value.ts";
import type { Message, MessageFormat } from "./format.ts";

type JsonObject = { readonly [name: string]: Json };

type Block = {
  readonly start: JsonObject;
  readonly texts: Map<string, string>;
  readonly citations: Json[];
  input: string;
};

/** Anthropic's messages. */
export const anthropicMessage: MessageFormat = { begin, eventsOf };

/** Deltas that add to a text of the block: their type, and the member of both that has it. */
const textDeltas: Readonly<Record<string, string>> = {
  text_delta: "text",
  thinking_delta: "thinking",
  signature_delta: "signature",
};

function begin(): Message {
  const blocks = new Map<number, Block>();
  let head: JsonObject | null = null;

  return {
    take(data) {
      const index = numberIn(data, "index") ?? 0;
      switch (textIn(data, "type")) {
        case "message_start":
          head = objectIn(data, "message");
          break;
        case "content_block_start":
          blocks.set(index, {
            start: objectIn(data, "content_block"),
            texts: new Map(),
            citations: [],
            input: "",
          });
          break;
        case "content_block_delta":
          takeDelta(blocks.get(index), objectIn(data, "delta"));
          break;
        case "message_delta": {
          const usage = { ...objectIn(head ?? {}, "usage"), ...objectIn(data, "usage") };
          head = { ...head, ...objectIn(data, "delta"), usage };
          break;
        }
      }
    },
    value() {
      if (head === null) return undefined;
      const ordered = [...blocks].toSorted(([a], [b]) => a - b);
      return { ...head, content: ordered.map(([, block]) => blockValue(block)) };
    },
  };
}

function takeDelta(block: Block | undefined, delta: JsonObject): void {
  if (block === undefined) return;
  const type = textIn(delta, "type") ?? "";
  const name = Object.hasOwn(textDeltas, type) ? textDeltas[type] : undefined;
  if (name !== undefined) block.texts.set(name, (block.texts.get(name) ?? "") + (textIn(delta, name) ?? ""));
  else if (type === "input_json_delta") block.input += textIn(delta, "partial_json") ?? "";
  else if (type === "citations_delta") block.citations.push(delta["citation"] ?? null);
}

function blockValue({ start, texts, citations, input }: Block): Json {
  const joined = Array.from(texts, ([name, text]) => [name, (textIn(start, name) ?? "") + text]);
  // Arguments that broke off are no JSON.
  const parsed = input === "" ? {} : { input: (jsonValue(input) ?? input) as Json };
  return {
    ...start,
    ...Object.fromEntries(joined),
    ...(citations.length === 0 ? {} : { citations }),
    ...parsed,
  };
}

function eventsOf(message: Json): string | null {
  if (!Array.isArray(member(message, "content"))) return null;
  const { stop_reason = "end_turn", stop_sequence = null, usage = {}, ...head } = asObject(message);
  const content = listIn(message, "content");
  const start = { ...head, content: [], stop_reason: null, stop_sequence: null, usage };
  const events = [
    { type: "message_start", message: start },
    ...content.flatMap((block, index) => blockEvents(asObject(block), index)),
    { type: "message_delta", delta: { stop_reason, stop_sequence }, usage },
    { type: "message_stop" },
  ];
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("");
}

type TypedEvent = { readonly type: string; readonly [name: string]: Json };

function blockEvents(block: JsonObject, index: number): TypedEvent[] {
  const { input, citations, ...rest } = block;
  const start: { [name: string]: Json } = { ...rest };
  const deltas: Json[] = [];
  for (const [type, name] of Object.entries(textDeltas)) {
    const text = textIn(block, name);
    if (text === undefined) continue;
    start[name] = "";
    if (text !== "") deltas.push({ type, [name]: text });
  }
  for (const citation of Array.isArray(citations) ? citations : [])
    deltas.push({ type: "citations_delta", citation });
  if (input !== undefined) {
    start["input"] = {};
    deltas.push({ type: "input_json_delta", partial_json: JSON.stringify(input) });
  }
  return [
    { type: "content_block_start", index, content_block: start },
    ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
    { type: "content_block_stop", index },
  ];
}
