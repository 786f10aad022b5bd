import { createParser, type EventSourceMessage } from "eventsource-parser";
import { z } from "zod";
import { GatewayError } from "#host/errors.ts";
import { upstreamLimits } from "#host/limits.ts";
import type { Surface } from "#host/surface.ts";
import { createEventCutter } from "./event-cutter.ts";
import { jsonValue } from "./json-value.ts";
import { lastEvent } from "./last-event.ts";
import { mayCarryUsage, type UsageCount } from "./usage.ts";

export type StreamOptions = {
  readonly surface: Surface;
  readonly path: string;
  /** The gateway asked for the usage, so the client must not see the chunk that carries only that. */
  readonly hideUsage: boolean;
  readonly usage: UsageCount;
};

/**
 * An upstream's event stream as the client gets it: the same bytes, event by event, so that an error event
 * can always follow. Counts usage on the way.
 * @throws {GatewayError} after the last whole event: what reading threw, or `upstream_reset` when the stream
 * ended without the event that must come last. Clients would take such an end for a complete answer.
 */
export async function* relayEvents(
  chunks: AsyncIterable<Uint8Array>,
  options: StreamOptions,
): AsyncGenerator<Uint8Array> {
  const cutter = createEventCutter();
  const reader = readEvents(options);
  try {
    for await (const chunk of chunks) {
      const shown = cutter.cut(chunk).filter((event) => reader.read(event));
      if (shown.length > 0) yield shown.length === 1 ? (shown[0] as Uint8Array) : Buffer.concat(shown);
    }
  } catch (thrown) {
    // Some upstreams drop the connection right after the last event; nothing is missing then.
    if (!reader.complete() || (thrown instanceof GatewayError && thrown.code === "client_closed"))
      throw thrown;
    return;
  }
  const rest = cutter.rest();
  // Clients read a last event without its blank line, so it counts; half an event must not reach them.
  const shown = reader.read(Buffer.concat([rest, Buffer.from("\n\n")]));
  if (!reader.mayEnd()) {
    throw new GatewayError("upstream_reset", "The upstream ended the stream before the answer was complete.");
  }
  if (rest.length > 0 && shown) yield rest;
}

type EventReader = {
  /** Takes one whole event; false when it is not for the client. */
  read(event: Uint8Array): boolean;
  /** Whether the event that comes last was there. */
  complete(): boolean;
  /** Whether a clean end may come now: always, where the API has no event that comes last. */
  mayEnd(): boolean;
};

function readEvents({ surface, path, hideUsage, usage }: StreamOptions): EventReader {
  const isLast = lastEvent(surface, path);
  // The parser drops a byte order mark where one may be: before the first event.
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let complete = false;
  let shown = true;

  function onEvent(event: EventSourceMessage): void {
    const value = worthParsing(event.data) ? jsonValue(event.data) : undefined;
    if (mayCarryUsage(event.data)) {
      usage.read(value);
      shown = !(hideUsage && usageOnly.safeParse(value).success);
    }
    // An upstream that reports its own failure says nothing after it.
    complete ||= isLast?.(event) === true || event.event === "error" || failed.safeParse(value).success;
  }

  const parser = createParser({ onEvent, maxBufferSize: upstreamLimits.sseEventBytes });
  return {
    read: (event) => {
      shown = true;
      parser.feed(decoder.decode(event));
      return shown;
    },
    complete: () => complete,
    mayEnd: () => complete || isLast === null,
  };
}

const usageOnly = z.object({ choices: z.tuple([]), usage: z.object({}) });
const failed = z.object({ error: z.object({}) });

function worthParsing(data: string): boolean {
  return mayCarryUsage(data) || /"error"\s*:\s*\{/.test(data);
}
