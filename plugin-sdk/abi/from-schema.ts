/**
 * The TypeScript type that a JSON Schema literal describes, for the subset of JSON Schema 2020-12
 * that the ABI uses. The schema is the only source: host validators, published schemas and the
 * plugin author's types all come from it.
 */
export type FromSchema<S> = S extends { const: infer C }
  ? C
  : S extends { enum: readonly (infer E)[] }
    ? E
    : S extends { oneOf: readonly (infer O)[] }
      ? FromSchema<O>
      : S extends { type: "string" }
        ? string
        : S extends { type: "integer" | "number" }
          ? number
          : S extends { type: "boolean" }
            ? boolean
            : S extends { type: "array"; items: infer I }
              ? readonly FromSchema<I>[]
              : S extends { type: "object"; properties: infer P }
                ? FromProperties<P, S extends { required: readonly (infer R)[] } ? R : never>
                : S extends { type: "object"; additionalProperties: infer A }
                  ? { readonly [name: string]: FromSchema<A> }
                  : Json;

type FromProperties<P, Required> = Flatten<
  { readonly [K in keyof P as K extends Required ? K : never]: FromSchema<P[K]> } & {
    readonly [K in keyof P as K extends Required ? never : K]?: FromSchema<P[K]>;
  }
>;

type Flatten<T> = { [K in keyof T]: T[K] };

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
