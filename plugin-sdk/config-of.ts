import type { FromSchema, Json } from "./abi/from-schema.ts";

/**
 * The type of a binding's config by the plugin's `configSchema`. The host fills defaults in, so a property
 * that has one is always there.
 */
export type ConfigOf<Schema> = [Schema] extends [undefined]
  ? { readonly [name: string]: Json }
  : FromSchema<Filled<Schema>>;

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
