import { upstreamLimits } from "#host/limits.ts";
import { type JsonPath, type Repeats, type StreamEvent, textOf } from "#host/stream-event.ts";
import type { Json } from "#sdk/abi/from-schema.ts";
import { listIn, member, numberIn, textIn, withValueAt } from "./json-path.ts";

/** A text of the Responses API that comes in pieces, and whole in later events. */
export type RepeatedText = { readonly key: string; readonly path: JsonPath; readonly text: string };

/** The event `response.KIND.delta` has a piece; `whole` is the member of `response.KIND.done` that has all of it. */
const wholeOf: Readonly<Record<string, string>> = {
  output_text: "text",
  refusal: "refusal",
  reasoning_text: "text",
  reasoning_summary_text: "text",
  function_call_arguments: "arguments",
};

/** Parts of an item: by their type the kind of text, and the member that has it. */
const kindOfPart: Readonly<Record<string, readonly [kind: string, member: string]>> = {
  output_text: ["output_text", "text"],
  refusal: ["refusal", "refusal"],
  reasoning_text: ["reasoning_text", "text"],
  summary_text: ["reasoning_summary_text", "text"],
};

/** The piece that an event has. */
export function pieceIn(data: Json): RepeatedText | null {
  const [, kind = ""] = /^response\.(\w+)\.delta$/.exec(textIn(data, "type") ?? "") ?? [];
  const text = textIn(data, "delta");
  if (!Object.hasOwn(wholeOf, kind) || text === undefined) return null;
  return { key: keyOf(kind, numberIn(data, "output_index"), indexIn(data)), path: ["delta"], text };
}

/** The whole texts that an event has. */
export function wholesIn(data: Json): readonly RepeatedText[] {
  const type = textIn(data, "type") ?? "";
  const output = numberIn(data, "output_index");
  const [, kind = ""] = /^response\.(\w+)\.done$/.exec(type) ?? [];
  const own = Object.hasOwn(wholeOf, kind) ? wholeOf[kind] : undefined;
  if (own !== undefined) {
    const text = textIn(data, own);
    return text === undefined ? [] : [{ key: keyOf(kind, output, indexIn(data)), path: [own], text }];
  }
  if (kind === "content_part" || kind === "reasoning_summary_part") {
    return inPart(member(data, "part"), { path: ["part"], output, index: indexIn(data) });
  }
  if (kind === "output_item") return inItem(member(data, "item"), { path: ["item"], output });
  if (!/^response\.(completed|incomplete|failed)$/.test(type)) return [];
  return listIn(member(data, "response"), "output").flatMap((item, at) =>
    inItem(item, { path: ["response", "output", at], output: at }),
  );
}

function indexIn(data: Json): number {
  return numberIn(data, "content_index") ?? numberIn(data, "summary_index") ?? 0;
}

function keyOf(kind: string, output: number | undefined, index: number): string {
  return `${kind} ${output ?? 0}/${kind === "function_call_arguments" ? 0 : index}`;
}

type Place = { readonly path: JsonPath; readonly output: number | undefined };

function inItem(item: Json | undefined, { path, output }: Place): RepeatedText[] {
  const parts = (["content", "summary"] as const).flatMap((list) =>
    listIn(item, list).flatMap((part, index) =>
      inPart(part, { path: [...path, list, index], output, index }),
    ),
  );
  const text = textIn(item, "type") === "function_call" ? textIn(item, "arguments") : undefined;
  const key = keyOf("function_call_arguments", output, 0);
  return text === undefined ? parts : [...parts, { key, path: [...path, "arguments"], text }];
}

function inPart(
  part: Json | undefined,
  { path, output, index }: Place & { readonly index: number },
): RepeatedText[] {
  const type = textIn(part, "type") ?? "";
  const [kind, name] = (Object.hasOwn(kindOfPart, type) ? kindOfPart[type] : undefined) ?? [];
  const text = name === undefined ? undefined : textIn(part, name);
  if (kind === undefined || name === undefined || text === undefined) return [];
  return [{ key: keyOf(kind, output, index), path: [...path, name], text }];
}

/** For APIs that say nothing twice. */
export const noRepeats: Repeats = { arrived: () => {}, leaving: (event) => event };

export type Rewrite = (event: StreamEvent, texts: readonly RepeatedText[]) => StreamEvent;

/**
 * Of the Responses API, which says every text a second, third and fourth time: whoever masks a piece would be undone by
 * these. Where what has left differs from what has arrived, they say what has left.
 * @param rewrite puts other texts into an event
 */
export function followRepeats(rewrite: Rewrite): Repeats {
  const arrived = new Map<string, string>();
  const left = new Map<string, string>();
  let length = 0;
  let isOver = false;

  function add(texts: Map<string, string>, event: StreamEvent): void {
    for (const { key, text } of sourcesIn(event)) {
      length += text.length;
      // A text that long is repeated by no event that may pass.
      if (length > upstreamLimits.bufferedBodyBytes) isOver = true;
      else texts.set(key, (texts.get(key) ?? "") + text);
    }
  }

  return {
    arrived: (event) => add(arrived, event),
    leaving(event) {
      add(left, event);
      const own = new Set(sourcesIn(event).map(({ key }) => key));
      const changed = wholesIn(event.data).flatMap((whole) => {
        if (own.has(whole.key)) return [];
        const text = isOver ? "" : (left.get(whole.key) ?? "");
        const isSame = !isOver && text === (arrived.get(whole.key) ?? "");
        return isSame || text === whole.text ? [] : [{ ...whole, text }];
      });
      return changed.length === 0 ? event : rewrite(event, changed);
    },
  };
}

/** The texts that an event says first: a piece, or a whole of which there were no pieces. */
function sourcesIn({ data, slots }: StreamEvent): readonly RepeatedText[] {
  const piece = pieceIn(data);
  if (piece !== null) return [piece];
  return slots.map(({ lane, path, text }) => ({ key: `output_text ${lane}`, path, text }));
}

/**
 * Of Gemini, whose last event has the sentences again that a search supports: they are left out once what has left is not
 * what has arrived.
 */
export function followSupports(withData: (event: StreamEvent, data: Json) => StreamEvent): Repeats {
  let arrived = "";
  let left = "";
  let hasChanged = false;

  return {
    arrived(event) {
      if (!hasChanged) arrived += textOf(event);
    },
    leaving(event) {
      if (!hasChanged) left += textOf(event);
      if (arrived === left) {
        // Forgotten, so that a stream that nobody changes takes no memory.
        arrived = "";
        left = "";
      } else hasChanged ||= !arrived.startsWith(left) || arrived.length > upstreamLimits.bufferedBodyBytes;
      if (!hasChanged && arrived === left) return event;
      const paths = listIn(event.data, "candidates").flatMap((candidate, at) => {
        const supports = listIn(member(candidate, "groundingMetadata"), "groundingSupports");
        return supports.length === 0 ? [] : [["candidates", at, "groundingMetadata", "groundingSupports"]];
      });
      if (paths.length === 0) return event;
      return withData(
        event,
        paths.reduce<Json>((data, path) => withValueAt(data, path, []), event.data),
      );
    },
  };
}
