import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";
import type { FromSchema, Json } from "./abi/from-schema.ts";
import type { Manifest } from "./abi/manifest.ts";

/** JSON Schema 2020-12 as an object literal. */
export type JsonSchema = NonNullable<Manifest["configSchema"]>;

/** A schema of a library that can tell itself as JSON Schema: zod from 4.2 on, and others (standardschema.dev). */
export type LibrarySchema = {
  readonly "~standard": StandardSchemaV1.Props & StandardJSONSchemaV1.Props;
};

export type ConfigSchema = JsonSchema | LibrarySchema | undefined;

/**
 * The type of a binding's config by the plugin's `configSchema`: what the library's schema makes of it, or what the JSON
 * Schema describes. The host fills defaults in, so a property that has one is always there.
 */
export type ConfigOf<Schema> = [Schema] extends [undefined]
  ? { readonly [name: string]: Json }
  : Schema extends { readonly "~standard": { readonly types?: infer Types } }
    ? Output<NonNullable<Types>>
    : FromSchema<Filled<Schema>>;

type Output<Types> = Types extends { readonly output: infer O } ? O : never;

type Filled<S> = S extends { readonly type: "object"; readonly properties: infer P }
  ? {
      readonly type: "object";
      readonly properties: { readonly [K in keyof P]: Filled<P[K]> };
      readonly required: readonly (Required<S> | WithDefault<P>)[];
    }
  : S extends { readonly type: "array"; readonly items: infer I }
    ? { readonly type: "array"; readonly items: Filled<I> }
    : S;

type Required<S> = S extends { readonly required: readonly (infer R)[] } ? R : never;

type WithDefault<P> = { [K in keyof P]: P[K] extends { readonly default: unknown } ? K : never }[keyof P];
