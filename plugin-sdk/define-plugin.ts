import type { Effect } from "./abi/effects.ts";
import type { Json } from "./abi/from-schema.ts";
import { abiVersion } from "./abi/hooks.ts";
import type { HookInput } from "./abi/input.ts";
import type { Manifest } from "./abi/manifest.ts";
import type { ConfigOf } from "./config-of.ts";
import type { Host } from "./host.ts";

/** Nothing, one effect or several, in the order in which the host applies them. */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler without a return is a handler without effects
export type Effects = readonly Effect[] | Effect | undefined | void;

type Handler<Config> = (input: HookInput, host: Host<Config>) => Effects | Promise<Effects>;

/** The functions of a plugin. Each gets only what its hook's `reads` names. */
export type Handlers<Config> = {
  /**
   * Once per binding, before the first request. What it leaves in module-level variables is there in every
   * call; what a call changes is gone after it. Throwing an Error refuses the config with its message.
   */
  configure?(config: Config, host: Host<Config>): void | Promise<void>;
  preRequest?: Handler<Config>;
  postRequest?: Handler<Config>;
  error?: Handler<Config>;
};

/** What an author writes: the manifest without `abi`, and the handlers. */
export type Definition<Schema> = Omit<Manifest, "abi" | "configSchema"> & {
  readonly configSchema?: Schema;
} & Handlers<ConfigOf<Schema>>;

/** A plugin as the compiler takes it: the default export of its file. */
export type Plugin = {
  /** The version of this shape. */
  readonly sandgatePlugin: 1;
  readonly manifest: Manifest;
  readonly handlers: Handlers<Json>;
};

/** Defines a plugin; its file exports the result as default. The type of `config` follows `configSchema`. */
export function definePlugin<const Schema extends Manifest["configSchema"] = undefined>(
  definition: Definition<Schema>,
): Plugin {
  const { configure, preRequest, postRequest, error, ...manifest } = definition;
  return {
    sandgatePlugin: 1,
    manifest: { ...manifest, abi: abiVersion } as Manifest,
    handlers: definition as unknown as Handlers<Json>,
  };
}
