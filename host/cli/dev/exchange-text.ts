import { isUtf8 } from "node:buffer";
import { credentialHeaders, isCredentialParameter } from "#host/credentials.ts";
import type { Body } from "#host/exchange.ts";
import type { ExchangeParts } from "#host/pipeline/run-stage.ts";
import { escapeControls } from "#host/sandbox/log-lines.ts";
import type { Effect } from "#sdk/abi/effects.ts";
import type { DiffLine } from "./diff.ts";

export const redacted = "[redacted]";

/** Of a printed line. */
const longestShown = 300;

/** The request as it would be sent. */
export function requestLines({ request }: ExchangeParts): DiffLine[] {
  const { method, path, query, headers, body } = request;
  return [
    { text: `${method} ${path}${query}`, shown: shorten(`${method} ${redactedUrl(path + query)}`) },
    ...headerLines(headers),
    ...bodyLines(body),
  ];
}

/** The answer as it would be sent. Before there is one: the headers that are kept for it. */
export function answerLines({ response, responseHeaders }: ExchangeParts): DiffLine[] {
  if (response === null) return headerLines(responseHeaders);
  const { status, headers, body } = response;
  return [plain(`status ${status}`), ...headerLines(headers), ...bodyLines(body)];
}

/** What later plugins learn. */
export function contextLines({ consumer, tags }: ExchangeParts): DiffLine[] {
  return [
    ...(consumer === null ? [] : [plain(`consumer ${consumer}`)]),
    ...Object.entries(tags).map(([name, value]) => plain(`tag ${name}: ${value}`)),
  ];
}

/** Effects as JSON. */
export function effectLines(effects: readonly Effect[]): DiffLine[] {
  return effects.flatMap((effect) => jsonLines(withoutCredential(effect)));
}

function withoutCredential(effect: Effect): Effect {
  if (effect.type === "set-header" && credentialHeaders.has(effect.name.toLowerCase()))
    return { ...effect, value: redacted };
  if (effect.type === "set-query" && isCredentialParameter(effect.name))
    return { ...effect, value: redacted };
  return effect;
}

/** Path and query with `[redacted]` for what holds a credential. */
export function redactedUrl(url: string): string {
  const cut = url.indexOf("?");
  if (cut === -1) return url;
  const parameters = url.slice(cut + 1).split("&");
  const shown = parameters.map((parameter) => {
    const [name = ""] = new URLSearchParams(`&${parameter}`).keys();
    return isCredentialParameter(name) ? `${name}=${redacted}` : parameter;
  });
  return `${url.slice(0, cut)}?${shown.join("&")}`;
}

/** As printed: one line, no control characters, not endless. */
export function shorten(text: string): string {
  const shown = escapeControls(text.slice(0, longestShown));
  return text.length > longestShown ? `${shown}… (${text.length} characters)` : shown;
}

type Fields = Readonly<Record<string, string | readonly string[] | null>>;

function headerLines(headers: Fields): DiffLine[] {
  return Object.entries(headers).flatMap(([name, field]) =>
    [field ?? "(removed)"].flat().map((value) => {
      const shown = credentialHeaders.has(name) || name === "set-cookie" ? redacted : value;
      return { text: `${name}: ${value}`, shown: shorten(`${name}: ${shown}`) };
    }),
  );
}

function bodyLines(body: Body): DiffLine[] {
  switch (body.kind) {
    case "none":
      return [];
    case "stream":
      return [plain("(a stream)")];
    case "text":
      return linesOf(body.text);
    case "json":
      return jsonLines(body.json);
    case "bytes":
      if (body.json !== undefined) return jsonLines(body.json);
      return isUtf8(body.bytes)
        ? linesOf(Buffer.from(body.bytes).toString("utf8"))
        : [plain(`(${body.bytes.length} bytes)`)];
    default:
      return body satisfies never;
  }
}

/** A comma says what comes after its line, which is no change of the line. */
function jsonLines(json: unknown): DiffLine[] {
  const lines = JSON.stringify(json, null, 2).split("\n");
  return lines.map((text) => ({ text: text.replace(/,$/, ""), shown: shorten(text) }));
}

function linesOf(text: string): DiffLine[] {
  return text === "" ? [] : text.split("\n").map(plain);
}

function plain(text: string): DiffLine {
  return { text, shown: shorten(text) };
}
