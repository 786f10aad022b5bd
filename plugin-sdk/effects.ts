import type { Effect } from "./abi/effects.ts";
import type { Json } from "./abi/from-schema.ts";

/*
 * Each function makes one effect (docs/plugins.md has the table). A handler returns one, several in an array, or nothing;
 * the `writes` of its hook must list what they touch.
 */

type Of<Type extends Effect["type"]> = Extract<Effect, { readonly type: Type }>;
type Operations = Of<"patch-body">["patch"];

export function setRequestHeader(name: string, value: string): Of<"set-header"> {
  return { type: "set-header", on: "request", name, value };
}

export function removeRequestHeader(name: string): Of<"remove-header"> {
  return { type: "remove-header", on: "request", name };
}

/** Before there is an answer it is kept for it. */
export function setResponseHeader(name: string, value: string): Of<"set-header"> {
  return { type: "set-header", on: "response", name, value };
}

export function removeResponseHeader(name: string): Of<"remove-header"> {
  return { type: "remove-header", on: "response", name };
}

export function setQuery(name: string, value: string): Of<"set-query"> {
  return { type: "set-query", name, value };
}

export function removeQuery(name: string): Of<"remove-query"> {
  return { type: "remove-query", name };
}

/** `path` begins with `/`. */
export function setPath(path: string): Of<"set-path"> {
  return { type: "set-path", path };
}

export function replaceRequestBody(body: Json): Of<"replace-body"> {
  return { type: "replace-body", on: "request", body };
}

export function replaceResponseBody(body: Json): Of<"replace-body"> {
  return { type: "replace-body", on: "response", body };
}

/** RFC 6902. */
export function patchRequestBody(...patch: Operations): Of<"patch-body"> {
  return { type: "patch-body", on: "request", patch };
}

/** RFC 6902. */
export function patchResponseBody(...patch: Operations): Of<"patch-body"> {
  return { type: "patch-body", on: "response", patch };
}

/** Answers the client. A string is sent as text, anything else as JSON. */
export function respond(
  status: number,
  answer: { readonly body?: Json; readonly headers?: { readonly [name: string]: string } } = {},
): Of<"respond"> {
  return { type: "respond", status, ...answer };
}

/** Answers with an error, which the host writes in the shape of the client's own API. `status`: 400 to 599. */
export function refuse(status: number, message: string, code?: string): Of<"respond"> {
  return { type: "respond", status, error: code === undefined ? { message } : { message, code } };
}

/** `consumer` is a name of the config. */
export function identify(consumer: string): Of<"identify"> {
  return { type: "identify", consumer };
}

/** Later steps of the request read it in `context.tags`. */
export function tag(name: string, value: string): Of<"tag"> {
  return { type: "tag", name, value };
}
