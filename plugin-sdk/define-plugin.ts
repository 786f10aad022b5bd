import type { Effect } from "./abi/effects.ts";
import type { Json } from "./abi/from-schema.ts";
import { abiVersion, type StageHook } from "./abi/hooks.ts";
import type { CapabilityName } from "./abi/host-functions.ts";
import type { HookInput } from "./abi/input.ts";
import type { HookDeclaration, Manifest, ScheduleDeclaration } from "./abi/manifest.ts";
import type { ConfigOf, ConfigSchema, LibrarySchema } from "./config-of.ts";
import type { Host } from "./host.ts";
import type { InputOf } from "./input-of.ts";

export type { Effect } from "./abi/effects.ts";
export type { Json } from "./abi/from-schema.ts";
export type { HookInput } from "./abi/input.ts";
export type { Host, HttpRequest, HttpResponse, HttpResult } from "./host.ts";
export { MissingCapability } from "./missing-capability.ts";

/** Nothing, one effect or several, in the order in which the host applies them. */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler without a return is a handler without effects
export type Effects = readonly Effect[] | Effect | undefined | void;

type Handler<Config, Input> = (input: Input, host: Host<Config>) => Effects | Promise<Effects>;

type ReadsOf<Hook> = Hook extends { readonly reads: readonly (infer Entry extends string)[] } ? Entry : never;

/** Only the input depends on the hook: were the whole handler to, one without parameters could not return a literal. */
type InputFor<Hooks, Name extends StageHook> = Hooks extends { readonly [N in Name]: infer Hook }
  ? InputOf<Name, ReadsOf<Hook>>
  : never;

/** The functions of a plugin, one for each of its hooks. */
export type Handlers<Hooks, Config> = {
  /**
   * Once per binding, before the first request. What it leaves in module-level variables is there in every
   * call; what a call changes is gone after it. Throwing an Error refuses the config with its message.
   */
  configure?(config: Config, host: Host<Config>): void | Promise<void>;
  preRequest?: Handler<Config, InputFor<Hooks, "pre_request">>;
  postRequest?: Handler<Config, InputFor<Hooks, "post_request">>;
  /** For each event of a stream. */
  postRequestEvent?: Handler<Config, InputFor<Hooks, "post_request_event">>;
  error?: Handler<Config, InputFor<Hooks, "error">>;
  /** From time to time, outside of any request: its effects are about the gateway itself. */
  schedule?: Handler<Config, HookInput>;
};

type Hooks = { readonly [Name in StageHook]?: HookDeclaration } & { readonly schedule?: ScheduleDeclaration };

/** What an author writes: the manifest without `abi`, and the handlers. */
export type Definition<H extends Hooks, Schema extends ConfigSchema> = Omit<
  Manifest,
  "abi" | "capabilities" | "configSchema" | "hooks"
> & {
  readonly hooks: H;
  /** Host functions that the plugin uses. */
  readonly capabilities?: readonly CapabilityName[];
  /** What a binding's `config` may be: JSON Schema, or a schema of a library as zod. */
  readonly configSchema?: Schema;
} & Handlers<H, ConfigOf<Schema>>;

/** A plugin as the compiler takes it: the default export of its file. */
export type Plugin = {
  /** The version of this shape. */
  readonly sandgatePlugin: 1;
  readonly manifest: Manifest;
  /** Makes of a config what the handlers get; null leaves it as it is. */
  readonly parseConfig: LibrarySchema["~standard"]["validate"] | null;
  readonly handlers: AnyHandlers;
};

type AnyHandler = (input: unknown, host: Host<unknown>) => unknown;

/** Handlers as the runtime calls them. */
export type AnyHandlers = {
  configure?(config: unknown, host: Host<unknown>): unknown;
  readonly preRequest?: AnyHandler;
  readonly postRequest?: AnyHandler;
  readonly postRequestEvent?: AnyHandler;
  readonly error?: AnyHandler;
  readonly schedule?: AnyHandler;
};

/**
 * Defines a plugin; its file exports the result as default. The type of `config` follows `configSchema`, that of a
 * handler's input its hook's `reads`.
 * @throws {Error} for a library's schema that cannot tell itself as JSON Schema
 */
export function definePlugin<const H extends Hooks, const Schema extends ConfigSchema = undefined>(
  definition: Definition<H, Schema>,
): Plugin {
  const { configure, preRequest, postRequest, postRequestEvent, error, schedule, configSchema, ...manifest } =
    definition;
  const library = isLibrarySchema(configSchema) ? configSchema["~standard"] : null;
  const schema = library === null ? configSchema : jsonSchemaOf(library);
  return {
    sandgatePlugin: 1,
    manifest: {
      ...manifest,
      ...(schema === undefined ? {} : { configSchema: schema }),
      abi: abiVersion,
    } as Manifest,
    parseConfig: library === null ? null : (config) => library.validate(config),
    handlers: definition as unknown as AnyHandlers,
  };
}

function isLibrarySchema(schema: unknown): schema is LibrarySchema {
  return (
    (typeof schema === "object" || typeof schema === "function") && schema !== null && "~standard" in schema
  );
}

/** Of what an operator writes, so with defaults not filled in. */
function jsonSchemaOf({ jsonSchema, vendor }: LibrarySchema["~standard"]): { readonly [name: string]: Json } {
  if (jsonSchema === undefined) {
    throw new Error(
      `configSchema: this version of ${vendor} has no Standard JSON Schema (zod has it from 4.2 on); write JSON Schema`,
    );
  }
  const { $schema, ...schema } = jsonSchema.input({ target: "draft-2020-12" });
  return schema as { readonly [name: string]: Json };
}
