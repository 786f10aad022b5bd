import type { Json } from "#sdk/abi/from-schema.ts";
import { asObject, listIn, member, numberIn, objectIn, textIn } from "../json-path.ts";
import type { Message, MessageFormat } from "./format.ts";

type Call = { id: string; type: string; name: string; arguments: string };

type Choice = {
  role: string;
  /** Texts by the member of the delta that has them; absent while there was none. */
  readonly texts: Map<string, string>;
  /** Of a completion that is no chat. */
  text: string;
  readonly calls: Map<number, Call>;
  finish: Json;
  readonly logprobs: Json[];
};

const textMembers = ["content", "refusal", "reasoning_content", "reasoning"] as const;

/** OpenAI's chat completions and completions: `chat.completion`, `text_completion`. */
export const chatMessage: MessageFormat = { begin, eventsOf };

function begin(): Message {
  const choices = new Map<number, Choice>();
  let head: { readonly [name: string]: Json } | null = null;
  let usage: Json | undefined;

  return {
    take(data) {
      if (member(data, "choices") === undefined) return;
      head ??= asObject(data);
      usage = member(data, "usage") ?? usage;
      listIn(data, "choices").forEach((choice, at) => {
        const index = numberIn(choice, "index") ?? at;
        const known = choices.get(index) ?? newChoice();
        choices.set(index, known);
        takeChoice(known, choice);
      });
    },
    value() {
      if (head === null) return undefined;
      const { choices: _choices, usage: _usage, object, obfuscation: _padding, ...rest } = head;
      const isChat = object !== "text_completion";
      const ordered = [...choices].toSorted(([a], [b]) => a - b);
      return {
        ...rest,
        object: isChat ? "chat.completion" : "text_completion",
        choices: ordered.map(([index, choice]) =>
          isChat ? chatChoice(index, choice) : textChoice(index, choice),
        ),
        ...(usage === undefined ? {} : { usage }),
      };
    },
  };
}

function newChoice(): Choice {
  return { role: "assistant", texts: new Map(), text: "", calls: new Map(), finish: null, logprobs: [] };
}

function takeChoice(known: Choice, choice: Json): void {
  const delta = objectIn(choice, "delta");
  known.role = textIn(delta, "role") ?? known.role;
  known.text += textIn(choice, "text") ?? "";
  for (const name of textMembers) {
    const text =
      textIn(delta, name) ??
      listIn(delta, name)
        .map((part) => textIn(part, "text") ?? "")
        .join("");
    if (text !== "" || typeof delta[name] === "string")
      known.texts.set(name, (known.texts.get(name) ?? "") + text);
  }
  listIn(delta, "tool_calls").forEach((call, at) => {
    const index = numberIn(call, "index") ?? at;
    const made = known.calls.get(index) ?? { id: "", type: "function", name: "", arguments: "" };
    known.calls.set(index, made);
    made.id = textIn(call, "id") ?? made.id;
    made.type = textIn(call, "type") ?? made.type;
    made.name += textIn(objectIn(call, "function"), "name") ?? "";
    made.arguments += textIn(objectIn(call, "function"), "arguments") ?? "";
  });
  known.logprobs.push(...listIn(objectIn(choice, "logprobs"), "content"));
  known.finish = member(choice, "finish_reason") ?? known.finish;
}

function chatChoice(index: number, { role, texts, calls, finish, logprobs }: Choice): Json {
  const tools = [...calls].toSorted(([a], [b]) => a - b);
  const toolCalls = tools.map(([, { id, type, name, arguments: text }]) => ({
    id,
    type,
    function: { name, arguments: text },
  }));
  return {
    index,
    message: {
      role,
      content: null,
      refusal: null,
      ...Object.fromEntries(texts),
      ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls }),
    },
    logprobs: logprobs.length === 0 ? null : { content: logprobs },
    finish_reason: finish,
  };
}

function textChoice(index: number, { text, finish }: Choice): Json {
  return { index, text, logprobs: null, finish_reason: finish };
}

function eventsOf(message: Json): string | null {
  if (!Array.isArray(member(message, "choices"))) return null;
  const { choices: _choices, usage, object, ...head } = asObject(message);
  const isChat = object !== "text_completion";
  const chunk = (choices: readonly Json[], more: { readonly [name: string]: Json } = {}) =>
    `data: ${JSON.stringify({ ...head, object: isChat ? "chat.completion.chunk" : object, choices, ...more })}\n\n`;
  const chunks = listIn(message, "choices").flatMap((choice, at) => {
    const index = numberIn(choice, "index") ?? at;
    const finish = { index, finish_reason: member(choice, "finish_reason") ?? "stop" };
    if (!isChat) return [chunk([{ ...asObject(choice), ...finish }])];
    const logprobs = member(choice, "logprobs") ?? null;
    return [
      chunk([{ index, delta: deltaOf(objectIn(choice, "message")), logprobs, finish_reason: null }]),
      chunk([{ ...finish, delta: {}, logprobs: null }]),
    ];
  });
  const counted = usage === undefined || usage === null ? [] : [chunk([], { usage })];
  return [...chunks, ...counted, "data: [DONE]\n\n"].join("");
}

/** Tool calls have their index in a stream. */
function deltaOf(message: { readonly [name: string]: Json }): Json {
  const { tool_calls, ...rest } = message;
  if (!Array.isArray(tool_calls)) return rest;
  return { ...rest, tool_calls: tool_calls.map((call: Json, index) => ({ index, ...asObject(call) })) };
}
