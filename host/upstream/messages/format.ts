import type { Json } from "#sdk/abi/from-schema.ts";

/** How an API puts its answer together from the events of a stream, and takes it apart. */
export type MessageFormat = {
  /** A message that has heard no event yet. */
  begin(): Message;
  /** The events of a stream that says this message, as text; null for what is none. */
  eventsOf(message: Json): string | null;
};

export type Message = {
  take(data: Json): void;
  /** The answer that the same request would have got without a stream, as far as it has come; undefined: nothing yet. */
  value(): Json | undefined;
};
