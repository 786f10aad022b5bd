import { GatewayError } from "#host/errors.ts";
import { upstreamLimits } from "#host/limits.ts";

const lf = 0x0a;
const cr = 0x0d;

/** Cuts the bytes of an event stream into whole events, each with the blank line that ends it. */
export type EventCutter = {
  /**
   * The events that this chunk completes.
   * @throws {GatewayError} `upstream_invalid` for an event over `upstreamLimits.sseEventBytes`.
   */
  cut(chunk: Uint8Array): readonly Uint8Array[];
  /** What has begun and not ended. */
  rest(): Uint8Array;
};

/**
 * A cutter at the start of a stream. Lines end in LF, CR or CRLF (WHATWG HTML 9.2.5). Nothing waits for a
 * byte that may never come: an event whose last CR ends the chunk is out at once, and when a line feed follows
 * it is a piece of its own. Many clients see the end of an event only with that line feed, so neither may
 * it wait for the next event.
 */
export function createEventCutter(): EventCutter {
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  let lineEmpty = true;
  let afterCr = false;

  function keep(part: Uint8Array): void {
    pending.push(part);
    pendingBytes += part.length;
    if (pendingBytes > upstreamLimits.sseEventBytes) {
      throw new GatewayError("upstream_invalid", "The upstream sent an event of more than 1 MiB.");
    }
  }

  function take(): Uint8Array {
    const whole = pending.length === 1 ? (pending[0] as Uint8Array) : Buffer.concat(pending);
    pending = [];
    pendingBytes = 0;
    return whole;
  }

  return {
    cut: (chunk) => {
      const events: Uint8Array[] = [];
      let start = 0;
      for (let at = 0; at < chunk.length; at += 1) {
        const byte = chunk[at];
        const completesCrLf = byte === lf && afterCr;
        const endsEvent = (byte === cr || byte === lf) && lineEmpty && !completesCrLf;
        const endedBefore = completesCrLf && at === start && pendingBytes === 0;
        lineEmpty = byte === cr || byte === lf;
        afterCr = byte === cr;
        if (!endsEvent && !endedBefore) continue;
        if (afterCr && chunk[at + 1] === lf) {
          at += 1;
          afterCr = false;
        }
        keep(chunk.subarray(start, at + 1));
        events.push(take());
        start = at + 1;
      }
      if (start < chunk.length) keep(chunk.subarray(start));
      return events;
    },
    rest: take,
  };
}
