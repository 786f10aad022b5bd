import type { Json } from "#sdk/abi/from-schema.ts";
import { jsonValue } from "./json-value.ts";
import { utf8Text } from "./utf8-text.ts";

/** A body that is here. Its value, undefined when it is no JSON, is read when somebody wants it: mostly nobody does. */
export type WholeBody = {
  readonly kind: "bytes";
  readonly bytes: Uint8Array;
  readonly json: Json | undefined;
};

export function wholeBody(bytes: Uint8Array): WholeBody {
  let read: { readonly json: Json | undefined } | null = null;
  return {
    kind: "bytes",
    bytes,
    get json() {
      read ??= { json: jsonValue(utf8Text(bytes)) as Json | undefined };
      return read.json;
    },
  };
}
