import type { Json } from "#sdk/abi/from-schema.ts";
import { asObject, listIn, member, numberIn, objectIn, textIn } from "../json-path.ts";
import type { Message, MessageFormat } from "./format.ts";

type JsonObject = { readonly [name: string]: Json };

/** Gemini's `GenerateContentResponse`: each event is one with the next parts. */
export const geminiMessage: MessageFormat = {
  begin,
  eventsOf: (message) =>
    Array.isArray(member(message, "candidates")) ? `data: ${JSON.stringify(message)}\r\n\r\n` : null,
};

function begin(): Message {
  const candidates = new Map<number, JsonObject>();
  let head: JsonObject | null = null;

  return {
    take(data) {
      if (member(data, "candidates") === undefined && member(data, "usageMetadata") === undefined) return;
      head = { ...head, ...asObject(data) };
      listIn(data, "candidates").forEach((candidate, at) => {
        const index = numberIn(candidate, "index") ?? at;
        candidates.set(index, joined(candidates.get(index) ?? {}, asObject(candidate)));
      });
    },
    value() {
      if (head === null) return undefined;
      const ordered = [...candidates].toSorted(([a], [b]) => a - b);
      return { ...head, candidates: ordered.map(([, candidate]) => candidate) };
    },
  };
}

function joined(known: JsonObject, next: JsonObject): JsonObject {
  const parts = [...listIn(known["content"], "parts")];
  for (const part of listIn(next["content"], "parts")) {
    const before = parts.at(-1);
    if (before !== undefined && isText(before) && isText(part) && isThought(before) === isThought(part)) {
      parts[parts.length - 1] = {
        ...asObject(before),
        ...asObject(part),
        text: `${textIn(before, "text")}${textIn(part, "text")}`,
      };
    } else parts.push(part);
  }
  const content = { ...objectIn(known, "content"), ...objectIn(next, "content"), parts };
  return { ...known, ...next, content };
}

function isText(part: Json): boolean {
  return textIn(part, "text") !== undefined;
}

function isThought(part: Json): boolean {
  return member(part, "thought") === true;
}
