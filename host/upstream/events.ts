import { createParser, type EventSourceMessage } from "eventsource-parser";
import { opensDeeperThan } from "#host/json.ts";
import { requestLimits } from "#host/limits.ts";
import {
  type EventWriter,
  inOneLane,
  type JsonPath,
  type StreamEvent,
  type StreamPiece,
  type TextSlot,
} from "#host/stream-event.ts";
import type { Surface } from "#host/surface.ts";
import type { Json } from "#sdk/abi/from-schema.ts";
import { createEventCutter } from "./event-cutter.ts";
import { saidIn } from "./event-text.ts";
import { member, valueAt, withValueAt } from "./json-path.ts";
import { jsonValue } from "./json-value.ts";
import { lastEvent } from "./last-event.ts";
import { followRepeats, followSupports, noRepeats, pieceIn, type RepeatedText, wholesIn } from "./repeats.ts";
import { utf8Text } from "./utf8-text.ts";

export type Api = { readonly surface: Surface; readonly path: string };

/** The events of a relayed stream, one by one, as they are asked for. */
export async function* readEvents(chunks: AsyncIterable<Uint8Array>, api: Api): AsyncGenerator<StreamPiece> {
  const cutter = createEventCutter();
  const read = pieceReader(api);
  let isFirst = true;
  for await (const chunk of chunks) {
    for (const piece of cutter.cut(chunk)) {
      const bare = isFirst ? withoutMark(piece) : piece;
      isFirst = false;
      // By itself, so that it stays first whatever becomes of the event.
      if (bare !== piece) yield filler(piece.subarray(0, byteOrderMark.length));
      if (bare.length > 0) yield read(bare);
    }
  }
  const rest = cutter.rest();
  if (rest.length > 0) yield read(rest);
}

const byteOrderMark = Buffer.from("\ufeff");

function withoutMark(bytes: Uint8Array): Uint8Array {
  return byteOrderMark.equals(bytes.subarray(0, byteOrderMark.length))
    ? bytes.subarray(byteOrderMark.length)
    : bytes;
}

function filler(bytes: Uint8Array, isTail = false): StreamPiece {
  return { kind: "filler", bytes, isTail };
}

function pieceReader(api: Api): (bytes: Uint8Array) => StreamPiece {
  const isLast = lastEvent(api.surface, api.path);
  const decoder = new TextDecoder();
  const unheard = api.surface === "openai-responses" ? findUnheard() : null;
  let found: EventSourceMessage | null = null;
  const parser = createParser({
    onEvent: (event) => {
      found = event;
    },
  });
  let index = 0;
  let afterCr = false;

  return (bytes) => {
    const isTail = afterCr && bytes.length === 1 && bytes[0] === lf;
    afterCr = bytes.at(-1) === cr;
    if (isTail) return filler(bytes, true);
    found = null;
    // The parser waits behind a carriage return, and in a last event for the end of the line.
    parser.feed(`${decoder.decode(bytes)}\n\n`);
    const event: EventSourceMessage | null = found;
    if (event === null || isKeepAlive(api.surface, event)) return filler(bytes);
    const { event: name, data: text } = event;
    const data = dataOf(text);
    const { slots, lane, needed } = saidIn(api.surface, data);
    const ends = isLast?.(event) === true || isError(name, data);
    return {
      kind: "event",
      index: index++,
      bytes,
      name,
      data,
      slots: unheard?.(data) ?? slots,
      lane,
      last: ends,
      needed: needed || ends,
    };
  };
}

const lf = 0x0a;
const cr = 0x0d;

/** Anthropic's comment. */
function isKeepAlive(surface: Surface, { data }: EventSourceMessage): boolean {
  return surface === "anthropic" && /^\s*\{\s*"type"\s*:\s*"ping"\s*\}\s*$/.test(data);
}

/** An upstream that reports its own failure says nothing after it. */
function isError(name: string | undefined, data: Json): boolean {
  const error = member(data, "error");
  return name === "error" || (typeof error === "object" && error !== null);
}

function dataOf(text: string): Json {
  if (text.length > requestLimits.jsonDepth && opensDeeperThan(requestLimits.jsonDepth, Buffer.from(text))) {
    return text;
  }
  const value = jsonValue(text) as Json | undefined;
  return value === undefined ? text : value;
}

/** Of the Responses API: slots for the whole texts of an event of which no piece has come, null where there are none. */
function findUnheard(): (data: Json) => readonly TextSlot[] | null {
  const heard = new Set<string>();
  return (data) => {
    const piece = pieceIn(data);
    if (piece !== null) {
      heard.add(piece.key);
      return null;
    }
    const unheard = wholesIn(data).filter(
      ({ key, text }) => key.startsWith("output_text ") && text !== "" && !heard.has(key),
    );
    for (const { key } of unheard) heard.add(key);
    return unheard.length === 0
      ? null
      : unheard.map(({ key, path, text }) => ({
          lane: key.slice("output_text ".length),
          path,
          text,
          echo: { path: [...path.slice(0, -1), "logprobs"], blank: [] },
        }));
  };
}

/** Changes events of one API. */
export function eventWriter(api: Api): EventWriter {
  const isLast = lastEvent(api.surface, api.path);

  function withData(event: StreamEvent, data: Json): StreamEvent {
    const text = typeof data === "string" ? data : JSON.stringify(data);
    const { slots, lane, needed } = saidIn(api.surface, data);
    const isWhole = slots.length === 0 && event.slots.length > 0;
    const ends = isLast?.({ event: event.name, data: text }) === true || isError(event.name, data);
    return {
      ...event,
      bytes: withDataLines(event.bytes, text),
      data,
      slots: isWhole ? slotsAgain(event.slots, data) : slots,
      lane,
      last: ends,
      needed: needed || ends,
    };
  }

  function rewrite(event: StreamEvent, texts: readonly RepeatedText[]): StreamEvent {
    let { data } = event;
    for (const { path, text } of texts) {
      data = blanked(withValueAt(data, path, text), { path: [...path.slice(0, -1), "logprobs"], blank: [] });
    }
    return { ...withData(event, data), slots: slotsAgain(event.slots, data) };
  }

  return {
    withText(event, text) {
      const [first, ...others] = event.slots;
      if (first === undefined || !inOneLane(event.slots)) return null;
      let data = withValueAt(event.data, first.path, text);
      for (const { path } of others) data = withValueAt(data, path, "");
      for (const { echo } of event.slots) if (echo !== undefined) data = blanked(data, echo);
      return { ...withData(event, data), slots: slotsAgain(event.slots, data) };
    },
    withData,
    repeats() {
      if (api.surface === "openai-responses") return followRepeats(rewrite);
      return api.surface === "gemini" ? followSupports(withData) : noRepeats;
    },
  };
}

function blanked(data: Json, { path, blank }: { readonly path: JsonPath; readonly blank: Json }): Json {
  return valueAt(data, path) === undefined ? data : withValueAt(data, path, blank);
}

function slotsAgain(slots: readonly TextSlot[], data: Json): readonly TextSlot[] {
  return slots.flatMap((slot) => {
    const text = valueAt(data, slot.path);
    return typeof text === "string" ? [{ ...slot, text }] : [];
  });
}

/** The same event with other data: its `event`, `id` and comments stay. */
function withDataLines(bytes: Uint8Array, text: string): Uint8Array {
  const block = utf8Text(bytes);
  const [lineEnd = "\n"] = /\r\n|\r|\n/.exec(block) ?? [];
  const others = block.split(/\r\n|\r|\n/).filter((line) => line !== "" && !/^data(:|$)/.test(line));
  const data = text.split(/\r\n|\r|\n/).map((line) => `data: ${line}`);
  return Buffer.from([...others, ...data, "", ""].join(lineEnd));
}
