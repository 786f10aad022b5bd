import { type Patience, watchPatience } from "./patience.ts";

/** Calls that wait for something to get free, first come first served. */
export type WaitingLine<T> = {
  readonly length: number;
  /** Waits; rejects when the line is full, the signal is aborted, or the time is over. */
  join(patience: Patience): Promise<T>;
  /** Gives a thing, or the promise of one, to the first in line. */
  serve(thing: T | Promise<T>): void;
  /** Sends everyone away. */
  dismiss(reason: string): void;
};

/** Too many wait already, or one has waited too long. */
export class NoRoom extends Error {}

type Place<T> = { readonly take: (thing: T | Promise<T>) => void; readonly leave: (reason: Error) => void };

export function createWaitingLine<T>(limit: number, full: string): WaitingLine<T> {
  const places = new Set<Place<T>>();
  return {
    get length() {
      return places.size;
    },
    async join(patience) {
      if (places.size >= limit) throw new NoRoom(full);
      patience.signal?.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      const place: Place<T> = {
        take: resolve,
        leave: (reason) => {
          places.delete(place);
          reject(reason);
        },
      };
      const stop = watchPatience(patience, (why) =>
        place.leave(
          why === "caller"
            ? new Error("ended by the caller before it ran")
            : new NoRoom("the deadline passed before it ran"),
        ),
      );
      places.add(place);
      try {
        return await promise;
      } finally {
        stop();
      }
    },
    serve(thing) {
      const [first] = places;
      if (first === undefined) return;
      places.delete(first);
      first.take(thing);
    },
    dismiss(reason) {
      for (const place of [...places]) place.leave(new Error(reason));
    },
  };
}
