import type { Json } from "@sandgate/plugin-sdk";

/** A text of a body, with its place as an RFC 6901 pointer. */
export type Text = { readonly path: string; readonly text: string };

/** Where the APIs of OpenAI (chat, responses, completions, embeddings), Anthropic and Google have what is said. */
const roots = {
  request: [
    "messages",
    "system",
    "input",
    "instructions",
    "prompt",
    "contents",
    "systemInstruction",
    "system_instruction",
  ],
  response: ["choices", "content", "output", "candidates"],
} as const;

/** Members that hold a text; others are names, identifiers, addresses and data. */
const textMembers: ReadonlySet<string> = new Set([
  "arguments",
  "content",
  "input",
  "instructions",
  "output",
  "prompt",
  "refusal",
  "system",
  "text",
  "thinking",
]);

/** The arguments of a tool: an object in which every text may be one. */
const argumentMembers: ReadonlySet<string> = new Set(["args", "input"]);

/** The texts of a request or an answer in the order of the body; none in what is no such body. */
export function textsIn(side: "request" | "response", body: Json | undefined): Text[] {
  if (!isObject(body)) return [];
  return roots[side].flatMap((root) => {
    const value = Object.hasOwn(body, root) ? body[root] : undefined;
    return value === undefined ? [] : [...textsOf(value, { path: `/${root}`, kind: kindOf(root) })];
  });
}

type Kind = "text" | "other" | "arguments";
type Place = { readonly path: string; readonly kind: Kind };

function* textsOf(value: Json, { path, kind }: Place): Generator<Text> {
  if (typeof value === "string") {
    if (kind !== "other") yield { path, text: value };
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* textsOf(item, { path: `${path}/${index}`, kind });
  } else if (isObject(value)) {
    for (const [name, inner] of Object.entries(value)) {
      const token = name.replaceAll("~", "~0").replaceAll("/", "~1");
      const isArguments = kind === "arguments" || (argumentMembers.has(name) && isObject(inner));
      yield* textsOf(inner, { path: `${path}/${token}`, kind: isArguments ? "arguments" : kindOf(name) });
    }
  }
}

function kindOf(member: string): Kind {
  return textMembers.has(member) ? "text" : "other";
}

function isObject(value: Json | undefined): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
