import type { BindingConfig } from "#config/schema.ts";
import type { Namespace } from "#host/store/store.ts";
import type { Manifest } from "#sdk/abi/manifest.ts";

/** What a host function sees of the call it serves. Offsets come from the plugin: each is checked before use. */
export type HostCall = {
  /** Bytes of the Extism block at `offset`, copied; empty for an offset that is no block. */
  read(offset: bigint): Uint8Array;
  /** The first `limit` bytes of the block, where no more could be of use. */
  readFirst(offset: bigint, limit: number): Uint8Array;
  readText(offset: bigint): string;
  /** Puts bytes into a new block and returns its offset; 0n when the call's memory is used up. */
  write(bytes: Uint8Array | string): bigint;
  /**
   * False when the call has ended, also because the fuel did not suffice for what was just read: what the arguments
   * say may be cut then, and nothing may be changed in their name.
   */
  readonly active: boolean;
  /** Pays for CPU time of the host; false when the fuel is spent, which ends the call. */
  spend(microseconds: number): boolean;
  /** A line in the plugin's log, beside those the plugin writes itself and within the same limits. */
  log(level: "warn" | "error", text: string): void;
  /** Aborted when the call is over: deadline, client gone, shutdown. */
  readonly signal: AbortSignal;
  /** Of the request this call serves, if any. */
  readonly requestId: string | null;
};

/** Arguments and result are wasm i64. A promise suspends the plugin until it settles; it must settle. */
export type HostFunction = (call: HostCall, ...args: bigint[]) => bigint | undefined | Promise<bigint>;

/** A host function with the shape wasm sees. All parameters are i64. */
export type HostImport = {
  readonly params: number;
  readonly result: boolean;
  /** True when the function may return a promise. */
  readonly suspends: boolean;
  readonly run: HostFunction;
};

/** The binding a capability is made for. */
export type CapabilityScope = {
  readonly plugin: string;
  /** Its place in the config, as logs and metrics name it. */
  readonly binding: string;
  /** What it keeps is kept under this name. */
  readonly namespace: Namespace;
  readonly manifest: Manifest;
  readonly grants: NonNullable<BindingConfig["grants"]>;
};

/**
 * A family of host functions: one file, one shape. `grant` answers null when the binding has no right
 * to it; then the functions do not exist and a module that imports them is refused.
 * Keys are `namespace.name` of the import, e.g. `extism:host/env.http_request`.
 */
export type Capability = {
  readonly name: string;
  /** Every import this capability could provide, granted or not. */
  readonly imports: readonly string[];
  /** What gives the right to it, for an operator to read; null where a module does without. */
  readonly needs: string | null;
  grant(scope: CapabilityScope): Readonly<Record<string, HostImport>> | null;
};
