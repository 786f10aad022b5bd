import type { Json } from "#sdk/abi/from-schema.ts";

/** An event of a stream on its way to the client. Replaced, never changed in place. */
export type StreamEvent = {
  readonly kind: "event";
  /** From 0, of those that came from the upstream. */
  readonly index: number;
  /** As it goes to the client, with the blank line that ends it. */
  readonly bytes: Uint8Array;
  /** The SSE field `event`. */
  readonly name: string | undefined;
  /** The value of the data where it is JSON, else its text. */
  readonly data: Json;
  /** Where the data has what the model says. */
  readonly slots: readonly TextSlot[];
  /**
   * Which of the texts that run side by side in the answer it belongs to (a choice, a part of an output); null: to none alone.
   * `0` is the whole of which `0/1` is a part.
   */
  readonly lane: string | null;
  /** Nothing comes after it. */
  readonly last: boolean;
  /** Clients would not understand the stream without it: why and how it ended, and what it has used. */
  readonly needed: boolean;
};

/** A text inside of the data of an event. */
export type TextSlot = {
  readonly lane: string;
  readonly path: JsonPath;
  readonly text: string;
  /** What else in the data says the same text, token by token, and what is there once the text is another. */
  readonly echo?: { readonly path: JsonPath; readonly blank: Json };
};

export type JsonPath = readonly (string | number)[];

/** Bytes between events that tell nobody anything: comments, a `retry`, a byte order mark. */
export type Filler = {
  readonly kind: "filler";
  readonly bytes: Uint8Array;
  /** The line feed of a CRLF whose carriage return has ended the event before it. */
  readonly isTail: boolean;
};

export type StreamPiece = StreamEvent | Filler;

/** What the model says in an event; empty where it says nothing. */
export function textOf({ slots }: Pick<StreamEvent, "slots">): string {
  const [first] = slots;
  if (first === undefined) return "";
  return slots.map(({ text }) => text).join(inOneLane(slots) ? "" : "\n");
}

/** Whether all texts of an event are pieces of one. */
export function inOneLane(slots: readonly TextSlot[]): boolean {
  return slots.every(({ lane }) => lane === slots[0]?.lane);
}

/** How the events of one stream are changed. */
export type EventWriter = {
  /** The event with this text in place of the model's; null where it has no place for one. */
  withText(event: StreamEvent, text: string): StreamEvent | null;
  /** The event with other data: JSON, or a text. */
  withData(event: StreamEvent, data: Json): StreamEvent;
  /** A keeper of the texts that went through one step. */
  repeats(): Repeats;
};

/** Keeps what later events repeat of earlier ones in line with what became of these. */
export type Repeats = {
  /** An event reaches the step. */
  arrived(event: StreamEvent): void;
  /** An event leaves it: the same, or with the texts that it repeats as they have left. */
  leaving(event: StreamEvent): StreamEvent;
};
