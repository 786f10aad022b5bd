import type { TextSlot } from "#host/stream-event.ts";
import type { Surface } from "#host/surface.ts";
import type { Json } from "#sdk/abi/from-schema.ts";
import { listIn, member, numberIn, objectIn, textIn } from "./json-path.ts";

/** What an event says, as its API writes it. */
export type Said = {
  readonly slots: readonly TextSlot[];
  readonly lane: string | null;
  readonly needed: boolean;
};

const nothing: Said = { slots: [], lane: null, needed: false };

/**
 * Where the data of an event has what the model says to the user: no thoughts, no refusals, no arguments of tools. A text that
 * only repeats those of earlier events is not among them.
 */
export function saidIn(surface: Surface, data: Json): Said {
  if (typeof data !== "object" || data === null) return nothing;
  switch (surface) {
    case "openai":
      return inChunk(data);
    case "openai-responses":
      return inResponseEvent(data);
    case "anthropic":
      return inMessageEvent(data);
    case "gemini":
      return inCandidates(data);
    default:
      return surface satisfies never;
  }
}

/** A chat completion's chunk, or a completion's. */
function inChunk(data: Json): Said {
  const choices = listIn(data, "choices");
  const lanes = choices.map((choice, at) => String(numberIn(choice, "index") ?? at));
  const slots = choices.flatMap((choice, at): TextSlot[] => {
    const lane = lanes[at] ?? "";
    const echo = member(choice, "logprobs") ? { path: ["choices", at, "logprobs"], blank: null } : undefined;
    const slot = (path: TextSlot["path"], text: string): TextSlot => ({
      lane,
      path: ["choices", at, ...path],
      text,
      ...(echo === undefined ? {} : { echo }),
    });
    const text = textIn(choice, "text");
    const content = member(member(choice, "delta"), "content");
    if (text !== undefined) return [slot(["text"], text)];
    if (typeof content === "string") return [slot(["delta", "content"], content)];
    // A list of parts, as Mistral sends it.
    return listIn(member(choice, "delta"), "content").flatMap((part, index) => {
      const own = textIn(part, "text");
      return own === undefined ? [] : [slot(["delta", "content", index, "text"], own)];
    });
  });
  const ends = choices.some((choice) => textIn(choice, "finish_reason") !== undefined);
  const usage = choices.length === 0 && Boolean(member(data, "usage"));
  return { slots, lane: onlyOne(lanes), needed: ends || usage };
}

function inResponseEvent(data: Json): Said {
  const indices = [numberIn(data, "output_index"), numberIn(data, "content_index")];
  const known = indices.filter((index) => index !== undefined);
  const lane = known.length === 0 ? null : known.join("/");
  const delta = textIn(data, "delta");
  if (textIn(data, "type") !== "response.output_text.delta" || delta === undefined) {
    return { slots: [], lane, needed: false };
  }
  const echo = { path: ["logprobs"], blank: [] };
  const slot = { lane: lane ?? "", path: ["delta"], text: delta };
  return {
    slots: [listIn(data, "logprobs").length > 0 ? { ...slot, echo } : slot],
    lane,
    needed: false,
  };
}

const neededOfMessage: ReadonlySet<string> = new Set(["message_start", "message_delta", "message_stop"]);

function inMessageEvent(data: Json): Said {
  const index = numberIn(data, "index");
  const lane = index === undefined ? null : String(index);
  const type = textIn(data, "type") ?? "";
  const holder =
    type === "content_block_delta" ? "delta" : type === "content_block_start" ? "content_block" : "";
  const block = objectIn(data, holder);
  const isText = block["type"] === "text_delta" || block["type"] === "text";
  const text = isText ? textIn(block, "text") : undefined;
  return {
    slots: text === undefined ? [] : [{ lane: lane ?? "", path: [holder, "text"], text }],
    lane,
    needed: neededOfMessage.has(type),
  };
}

function inCandidates(data: Json): Said {
  const candidates = listIn(data, "candidates");
  const lanes = candidates.map((candidate, at) => String(numberIn(candidate, "index") ?? at));
  const slots = candidates.flatMap((candidate, at): TextSlot[] => {
    const echo = member(candidate, "logprobsResult")
      ? { echo: { path: ["candidates", at, "logprobsResult"], blank: {} } }
      : {};
    return listIn(member(candidate, "content"), "parts").flatMap((part, index): TextSlot[] => {
      const text = textIn(part, "text");
      if (text === undefined || member(part, "thought") === true) return [];
      const path = ["candidates", at, "content", "parts", index, "text"];
      return [{ lane: lanes[at] ?? "", path, text, ...echo }];
    });
  });
  const ends = candidates.some((candidate) => textIn(candidate, "finishReason") !== undefined);
  return { slots, lane: onlyOne(lanes), needed: ends };
}

function onlyOne(lanes: readonly string[]): string | null {
  const [first = null] = lanes;
  return lanes.every((lane) => lane === first) ? first : null;
}
