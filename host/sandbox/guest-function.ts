import type { GuestCall } from "./guest-call.ts";
import type { LogLevel } from "./log-lines.ts";
import type { Vars } from "./vars.ts";
import type { ValType } from "./wasm/module.ts";

/** What the host functions of one instance share. */
export type GuestState = {
  readonly vars: Vars;
  /** The operator's Extism config; without prototype, so that `constructor` is an unknown key. */
  readonly config: Readonly<Record<string, string>>;
  /** Lines below this level need not be made. */
  readonly logLevel: LogLevel;
  /** The plugin's own memory as it is now, to read; empty when it has none. */
  memory(): Uint8Array;
  /** A piece of it to write, at an address of the plugin's; null when it is not all inside. */
  writable(at: number, bytes: number): Uint8Array | null;
};

/**
 * A function that a plugin may import, with the type wasm sees. An i32 arrives as number, an i64 as
 * bigint; the result is coerced to the declared type, nothing is zero. It never throws into the plugin.
 */
export type GuestFunction = {
  readonly params: readonly ValType[];
  readonly results: readonly ValType[];
  /** True when `run` may answer a promise of a bigint. */
  readonly suspends?: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: the arguments are what `params` says
  readonly run: (call: GuestCall, state: GuestState, ...args: any[]) => unknown;
};
