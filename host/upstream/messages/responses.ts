import type { Json } from "#sdk/abi/from-schema.ts";
import { asObject, listIn, member, numberIn, objectIn, textIn, valueAt, withValueAt } from "../json-path.ts";
import type { Message, MessageFormat } from "./format.ts";

type JsonObject = { readonly [name: string]: Json };

/** OpenAI's Responses API: `response`. */
export const responsesMessage: MessageFormat = { begin, eventsOf };

function begin(): Message {
  const items = new Map<number, Json>();
  let head: JsonObject | null = null;
  let end: Json | undefined;

  return {
    take(data) {
      const type = textIn(data, "type") ?? "";
      const index = numberIn(data, "output_index") ?? 0;
      if (/^response\.(completed|incomplete|failed)$/.test(type)) end = member(data, "response");
      else if (type === "response.created") head = objectIn(data, "response");
      else if (type === "response.output_item.added" || type === "response.output_item.done") {
        items.set(index, member(data, "item") ?? {});
      } else if (type === "response.content_part.added") {
        items.set(
          index,
          withPart(items.get(index), numberIn(data, "content_index") ?? 0, member(data, "part") ?? {}),
        );
      } else if (type === "response.output_text.delta") {
        const path = ["content", numberIn(data, "content_index") ?? 0, "text"] as const;
        const item = items.get(index) ?? {};
        const text = valueAt(item, path);
        if (typeof text === "string")
          items.set(index, withValueAt(item, path, text + (textIn(data, "delta") ?? "")));
      }
    },
    value() {
      // Whole in the last event. What came of a stream that broke off has no other place.
      if (end !== undefined || head === null) return end;
      const ordered = [...items].toSorted(([a], [b]) => a - b);
      return { ...head, output: ordered.map(([, item]) => item) };
    },
  };
}

function withPart(item: Json | undefined, index: number, part: Json): Json {
  const content = listIn(item, "content");
  if (index > content.length) return item ?? {};
  return { ...asObject(item), content: [...content.slice(0, index), part, ...content.slice(index + 1)] };
}

function eventsOf(message: Json): string | null {
  if (!Array.isArray(member(message, "output"))) return null;
  const { status = "completed" } = asObject(message);
  const begun = { ...asObject(message), status: "in_progress", output: [], usage: null };
  const last = status === "incomplete" || status === "failed" ? status : "completed";
  const events: TypedEvent[] = [
    { type: "response.created", response: begun },
    { type: "response.in_progress", response: begun },
    ...listIn(message, "output").flatMap((item, index) => itemEvents(asObject(item), index)),
    { type: `response.${last}`, response: message },
  ];
  return events
    .map(({ type, ...rest }, sequence_number) => {
      const data = JSON.stringify({ type, sequence_number, ...rest });
      return `event: ${type}\ndata: ${data}\n\n`;
    })
    .join("");
}

type TypedEvent = { readonly type: string; readonly [name: string]: Json };

function itemEvents(item: JsonObject, output_index: number): TypedEvent[] {
  const place = { item_id: textIn(item, "id") ?? "", output_index };
  const isMessage = item["type"] === "message";
  const isCall = item["type"] === "function_call";
  const begun = {
    ...item,
    ...(item["status"] === undefined ? {} : { status: "in_progress" }),
    ...(isMessage ? { content: [] } : {}),
    ...(isCall ? { arguments: "" } : {}),
  };
  const text = textIn(item, "arguments") ?? "";
  const inside: TypedEvent[] = isMessage
    ? listIn(item, "content").flatMap((part, content_index) =>
        partEvents(asObject(part), { ...place, content_index }),
      )
    : isCall
      ? [
          { type: "response.function_call_arguments.delta", ...place, delta: text },
          { type: "response.function_call_arguments.done", ...place, arguments: text },
        ]
      : [];
  return [
    { type: "response.output_item.added", output_index, item: begun },
    ...inside,
    { type: "response.output_item.done", output_index, item },
  ];
}

function partEvents(part: JsonObject, place: JsonObject): TypedEvent[] {
  const kind = part["type"] === "refusal" ? "refusal" : "output_text";
  const name = kind === "refusal" ? "refusal" : "text";
  const text = textIn(part, name) ?? "";
  const logprobs = kind === "output_text" ? { logprobs: [] } : {};
  return [
    { type: "response.content_part.added", ...place, part: { ...part, [name]: "" } },
    { type: `response.${kind}.delta`, ...place, delta: text, ...logprobs },
    { type: `response.${kind}.done`, ...place, [name]: text, ...logprobs },
    { type: "response.content_part.done", ...place, part },
  ];
}
