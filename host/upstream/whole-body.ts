import type { Json } from "#sdk/abi/from-schema.ts";
import { jsonValue } from "./json-value.ts";

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
      read ??= { json: jsonValue(textOf(bytes)) as Json | undefined };
      return read.json;
    },
  };
}

function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("utf8");
}
