import { quoted } from "./json";

/*
 * Each function makes one effect (docs/plugins.md has the table), as JSON for `effects([...])`. The `writes` of the hook
 * must list what they touch. A parameter `json` is JSON text: of a `Json`, its `source()`.
 */

export function setRequestHeader(name: string, value: string): string {
  return headerEffect("request", name, value);
}

export function removeRequestHeader(name: string): string {
  return effect("remove-header", onSide("request") + member("name", name));
}

/** Before there is an answer it is kept for it. */
export function setResponseHeader(name: string, value: string): string {
  return headerEffect("response", name, value);
}

export function removeResponseHeader(name: string): string {
  return effect("remove-header", onSide("response") + member("name", name));
}

export function setQuery(name: string, value: string): string {
  return effect("set-query", member("name", name) + member("value", value));
}

export function removeQuery(name: string): string {
  return effect("remove-query", member("name", name));
}

/** `path` begins with `/`. */
export function setPath(path: string): string {
  return effect("set-path", member("path", path));
}

export function replaceRequestBody(json: string): string {
  return effect("replace-body", onSide("request") + ',"body":' + json);
}

export function replaceResponseBody(json: string): string {
  return effect("replace-body", onSide("response") + ',"body":' + json);
}

/** RFC 6902; the operations are made by `addAt`, `replaceAt` and `removeAt`. */
export function patchRequestBody(operations: string[]): string {
  return effect("patch-body", onSide("request") + ',"patch":[' + operations.join(",") + "]");
}

/** RFC 6902. */
export function patchResponseBody(operations: string[]): string {
  return effect("patch-body", onSide("response") + ',"patch":[' + operations.join(",") + "]");
}

/** Adds a member, or puts an item before the one at this pointer (RFC 6901); `/list/-` is behind the last. */
export function addAt(pointer: string, json: string): string {
  return '{"op":"add"' + member("path", pointer) + ',"value":' + json + "}";
}

export function replaceAt(pointer: string, json: string): string {
  return '{"op":"replace"' + member("path", pointer) + ',"value":' + json + "}";
}

export function removeAt(pointer: string): string {
  return '{"op":"remove"' + member("path", pointer) + "}";
}

/** Answers the client with a JSON body. A JSON string is sent as text. */
export function respond(status: i32, json: string): string {
  return effect("respond", ',"status":' + status.toString() + ',"body":' + json);
}

/** Answers with an error, which the host writes in the shape of the client's own API. `status`: 400 to 599. */
export function refuse(status: i32, message: string, code: string = ""): string {
  const error = '{"message":' + quoted(message) + (code == "" ? "" : member("code", code)) + "}";
  return effect("respond", ',"status":' + status.toString() + ',"error":' + error);
}

/** `consumer` is a name of the config. */
export function identify(consumer: string): string {
  return effect("identify", member("consumer", consumer));
}

/** Later steps of the request read it in `context.tags`. */
export function tag(name: string, value: string): string {
  return effect("tag", member("name", name) + member("value", value));
}

/** Of `post_request_event`: what becomes of the event. `held`: `pass`, `drop` or `keep` what is held. */
export function passEvent(held: string = "pass"): string {
  return eventEffect("pass", held, "");
}

/** The same event with another text of the model. */
export function replaceText(text: string, held: string = "pass"): string {
  return eventEffect("replace", held, member("text", text));
}

export function replaceData(json: string, held: string = "pass"): string {
  return eventEffect("replace", held, ',"data":' + json);
}

export function dropEvent(held: string = "pass"): string {
  return eventEffect("drop", held, "");
}

/** For a later decision, which sees it in `event.held`. */
export function holdEvent(held: string = "keep"): string {
  return eventEffect("hold", held, "");
}

/** Ends the stream with an error event in the client's format; what is held is dropped. */
export function stopStream(message: string, code: string = ""): string {
  const error = '{"message":' + quoted(message) + (code == "" ? "" : member("code", code)) + "}";
  return effect("event", member("action", "stop") + ',"error":' + error);
}

/**
 * The oldest `count` of the held events go on, with `text` in place of all that they say. `rest` is the text of the next one. `decision`
 * is about the event and those that stay held.
 */
export function releaseHeld(
  count: i32,
  text: string | null = null,
  rest: string | null = null,
  decision: string = holdEvent(),
): string {
  const texts = (text === null ? "" : member("text", text)) + (rest === null ? "" : member("rest", rest));
  return decision.slice(0, -1) + ',"release":{"count":' + count.toString() + texts + "}}";
}

function eventEffect(action: string, held: string, members: string): string {
  return effect("event", member("action", action) + members + member("held", held));
}

function headerEffect(side: string, name: string, value: string): string {
  return effect("set-header", onSide(side) + member("name", name) + member("value", value));
}

function effect(type: string, members: string): string {
  return '{"type":"' + type + '"' + members + "}";
}

function onSide(side: string): string {
  return ',"on":"' + side + '"';
}

function member(name: string, value: string): string {
  return ',"' + name + '":' + quoted(value);
}
