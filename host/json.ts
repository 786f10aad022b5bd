import type { Json } from "#sdk/abi/from-schema.ts";
import { GatewayError } from "./errors.ts";
import { requestLimits } from "./limits.ts";

const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * The value of a client's JSON body (RFC 8259, UTF-8).
 * @throws {GatewayError} `invalid_json` when it is none, `invalid_request` when it is nested too deep.
 */
export function parseClientJson(bytes: Uint8Array): Json {
  // Before parsing: 10 MB of brackets keep the parser busy for 2.5 seconds, this takes some 30 ms.
  if (opensDeeperThan(requestLimits.jsonDepth, bytes)) {
    throw new GatewayError(
      "invalid_request",
      `The request body is nested deeper than ${requestLimits.jsonDepth} levels.`,
    );
  }
  try {
    return JSON.parse(decoder.decode(bytes)) as Json;
  } catch (thrown) {
    const reason = thrown instanceof SyntaxError ? thrown.message : "the bytes are not UTF-8";
    throw new GatewayError("invalid_json", `The request body is not valid JSON: ${printable(reason)}`);
  }
}

/** Whether JSON text, valid or not, opens more than `most` levels of arrays and objects: brackets outside strings. */
export function opensDeeperThan(most: number, bytes: Uint8Array): boolean {
  let depth = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === quote) {
      at = endOfString(bytes, at + 1);
    } else if (byte === openBracket || byte === openBrace) {
      depth += 1;
      if (depth > most) return true;
    } else if (byte === closeBracket || byte === closeBrace) {
      depth -= 1;
    }
  }
  return false;
}

/** Of the quote that ends a string; past the end when none does. */
function endOfString(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length && bytes[at] !== quote) at += bytes[at] === backslash ? 2 : 1;
  return at;
}

const quote = 0x22;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/**
 * Levels of arrays and objects: 0 for a scalar, 1 for `{}`. Walks level by level without recursion, so that
 * no nesting can exhaust the stack, and stops one past `requestLimits.jsonDepth`.
 */
export function jsonDepth(value: Json): number {
  let depth = 0;
  let level: Json[] = [value];
  for (;;) {
    const next: Json[] = [];
    let containers = false;
    for (const item of level) {
      if (typeof item !== "object" || item === null) continue;
      containers = true;
      for (const member of Array.isArray(item) ? item : Object.values(item)) {
        if (typeof member === "object" && member !== null) next.push(member);
      }
    }
    if (!containers) return depth;
    depth += 1;
    if (depth > requestLimits.jsonDepth) return depth;
    level = next;
  }
}

/** Text from outside, fit for a message: short, without control characters. */
export function printable(text: string): string {
  return text
    .replace(/\p{Cc}+/gu, " ")
    .slice(0, 300)
    .toWellFormed();
}
