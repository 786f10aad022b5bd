import type { IncomingHttpHeaders } from "node:http";
import { type Dispatcher, errors } from "undici";

/** The head of an answer; its body is yet to be read. */
export type Reply = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Read it once. Whoever stops early discards it. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends the exchange without reading the rest of the body. */
  discard(): void;
};

export type DispatchOptions = {
  readonly signal: AbortSignal;
  /** What goes wrong, as whoever waits for the answer or reads its body gets to hear it. */
  readonly failed: (cause: unknown, when: When) => Error;
};

export type When = "before the answer began" | "in the middle of the answer";

/** Of a body that nobody reads yet. The socket has as much again. */
const heldBytes = 64 * 1024;

/**
 * One exchange over undici's `dispatch`: its `request` makes a Node stream of every body, which costs as much as the rest of
 * a short exchange. A body is pulled by its reader; what the upstream has sent before it broke off is read before the failure.
 */
export function dispatch(
  pool: Dispatcher,
  request: Dispatcher.DispatchOptions,
  options: DispatchOptions,
): Promise<Reply> {
  const exchange = new RunningExchange(options);
  pool.dispatch(request, exchange);
  return exchange.reply;
}

type Read = IteratorResult<Uint8Array, undefined>;
const end: Read = { done: true, value: undefined };

class RunningExchange implements Dispatcher.DispatchHandler, AsyncIterator<Uint8Array, undefined> {
  readonly reply: Promise<Reply>;
  readonly #options: DispatchOptions;
  readonly #head = Promise.withResolvers<Reply>();
  #controller: Dispatcher.DispatchController | null = null;
  #chunks: Uint8Array[] = [];
  #held = 0;
  #reader: PromiseWithResolvers<Read> | null = null;
  #hasBegun = false;
  #isOver = false;
  #failure: Error | null = null;

  constructor(options: DispatchOptions) {
    this.#options = options;
    this.reply = this.#head.promise;
    const { signal } = options;
    signal.addEventListener("abort", this.#leave, { once: true });
    if (signal.aborted) this.#leave();
  }

  readonly #leave = () => this.#stop(this.#options.signal.reason);

  /** Ends the exchange from this side. A request that is not sent yet hears of it when its turn comes. */
  #stop(cause: Error): void {
    if (this.#isOver) return;
    this.#chunks = [];
    this.#fail(cause);
    this.#controller?.abort(cause);
  }

  /** Mostly there is nothing left to end, and an error is dear. */
  #discard(): void {
    if (!this.#isOver) this.#stop(new errors.RequestAbortedError());
  }

  #fail(cause: unknown): void {
    if (this.#isOver) return;
    this.#over();
    this.#failure = this.#options.failed(
      cause,
      this.#hasBegun ? "in the middle of the answer" : "before the answer began",
    );
    if (!this.#hasBegun) this.#head.reject(this.#failure);
    else this.#reader?.reject(this.#failure);
  }

  #over(): void {
    this.#isOver = true;
    this.#options.signal.removeEventListener("abort", this.#leave);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#failure !== null) controller.abort(this.#failure);
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // An interim answer; the one that counts follows.
    if (status < 200) return;
    this.#hasBegun = true;
    this.#head.resolve({
      status,
      headers,
      body: { [Symbol.asyncIterator]: () => this },
      discard: () => this.#discard(),
    });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (this.#isOver) return;
    if (this.#reader !== null) {
      this.#reader.resolve({ done: false, value: chunk });
      this.#reader = null;
      return;
    }
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    if (this.#held >= heldBytes) controller.pause();
  }

  onResponseEnd(): void {
    if (this.#isOver) return;
    this.#over();
    this.#reader?.resolve(end);
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#fail(error);
  }

  next(): Promise<Read> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#held -= chunk.length;
      if (this.#controller?.paused && this.#held < heldBytes) this.#controller.resume();
      return Promise.resolve({ done: false, value: chunk });
    }
    if (this.#failure !== null) return Promise.reject(this.#failure);
    if (this.#isOver) return Promise.resolve(end);
    this.#reader = Promise.withResolvers<Read>();
    return this.#reader.promise;
  }

  async return(): Promise<Read> {
    this.#discard();
    return end;
  }
}
