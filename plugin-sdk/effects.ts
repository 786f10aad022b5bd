import type { Effect } from "./abi/effects.ts";
import type { Json } from "./abi/from-schema.ts";

/*
 * Each function makes one effect (docs/plugins.md has the table). A handler returns one, several in an array, or nothing;
 * the `writes` of its hook must list what they touch.
 */

type Of<Type extends Effect["type"]> = Extract<Effect, { readonly type: Type }>;
type Held = NonNullable<Of<"event">["held"]>;
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

/** Of `postRequestEvent`: what becomes of the event. `held` events pass before it, unless the decision says otherwise. */
export function passEvent(held: Held = "pass"): Of<"event"> {
  return { type: "event", action: "pass", held };
}

/**
 * The same event with another text of the model. Where it has none, as the end of an answer, the text goes out in place of the held
 * ones: say `held: "drop"`.
 */
export function replaceText(text: string, held: Held = "pass"): Of<"event"> {
  return { type: "event", action: "replace", text, held };
}

export function replaceData(data: Json, held: Held = "pass"): Of<"event"> {
  return { type: "event", action: "replace", data, held };
}

export function dropEvent(held: Held = "pass"): Of<"event"> {
  return { type: "event", action: "drop", held };
}

/** For a later decision, which sees it in `event.held`; with `held: "pass"` it is the only one that is. */
export function holdEvent(held: Held = "keep"): Of<"event"> {
  return { type: "event", action: "hold", held };
}

/**
 * The oldest `count` of the held events go on, with `text` in place of all that they say. `rest` is the text of the next one, so that
 * a text can be let go up to any place of it. `decision` is about the event and those that stay held; default: all of them stay.
 */
export function releaseHeld(
  count: number,
  {
    decision = holdEvent(),
    ...texts
  }: { readonly text?: string; readonly rest?: string; readonly decision?: Of<"event"> } = {},
): Of<"event"> {
  return { ...decision, release: { count, ...texts } };
}

/** Ends the stream with an error event in the client's format; what is held is dropped. */
export function stopStream(message: string, code?: string): Of<"event"> {
  return { type: "event", action: "stop", error: code === undefined ? { message } : { message, code } };
}

/** Of `error`: asks an upstream once more, by default another target. */
export function retry(
  options: { readonly target?: "same" | "next"; readonly delayMs?: number } = {},
): Of<"retry"> {
  return { type: "retry", ...options };
}

/** Of `error`: asks another service, another model, or both. */
export function fallback(to: { readonly service?: string; readonly model?: string }): Of<"fallback"> {
  return { type: "fallback", ...to };
}

/** Of `preRequest`: the target that is asked first, by its URL in the config. */
export function chooseTarget(url: string): Of<"target"> {
  return { type: "target", url };
}

/** Of `preRequest`: the service that is asked in place of the route's. */
export function chooseService(service: string): Of<"service"> {
  return { type: "service", service };
}

/** Of `preRequest`: `model` of the body. */
export function chooseModel(model: string): Of<"model"> {
  return { type: "model", model };
}

/** Of `schedule`: what a probe of a target has found. */
export function setHealth(url: string, healthy: boolean): Of<"health"> {
  return { type: "health", url, healthy };
}

/** Later steps of the request read it in `context.tags`. */
export function tag(name: string, value: string): Of<"tag"> {
  return { type: "tag", name, value };
}
