import type { TargetInfo, TargetWish } from "../targets.ts";

/** A request as it goes to an upstream: without anything that is between client and gateway alone. */
export type UpstreamRequest = {
  readonly method: string;
  /** What remains after the route's prefix, with `/` in front; safe to append to a base path. */
  readonly path: string;
  /** With its `?`, or empty. */
  readonly query: string;
  /** By lower-case name; no credentials, nothing of the connection. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
  /** The value of `body`, or undefined when it is not JSON. */
  readonly json: unknown;
  readonly signal: AbortSignal;
};

/** What came back, as the upstream wrote it. */
export type UpstreamAnswer = {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: AsyncIterable<Uint8Array>;
  /** What the request proved itself with: an error that repeats it goes to no client. */
  readonly secrets: readonly string[];
  /** Ends the exchange without reading the rest of the body. */
  discard(): void;
};

/** What an attempt goes to; a provider inside of the process has one of no address. */
export type PickedTarget = {
  /** Which one it is, for a wish. */
  readonly key: string;
  /** As the config has it; null without an address. */
  readonly url: string | null;
  send(request: UpstreamRequest): Promise<UpstreamAnswer>;
};

/** A provider kind at work for one service. */
export type Provider = {
  /** Why it cannot serve, for the operator and the client; null when it can. */
  readonly off: string | null;
  /**
   * The target of the next attempt. Its `send` throws a GatewayError with blame `upstream` when there is no answer; so may
   * the body while it is read.
   */
  pick(wish: TargetWish): PickedTarget;
  /** What a probe found about a target; false when there is none of this URL. */
  mark(url: string, healthy: boolean): boolean;
  failedProbes(): readonly string[];
  targets(): readonly TargetInfo[];
  /** Waits for running exchanges, then closes connections. */
  close(): Promise<void>;
};
