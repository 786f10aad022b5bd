import type { Json } from "#sdk/abi/from-schema.ts";
import { GatewayError } from "./errors.ts";
import { requestLimits } from "./limits.ts";

const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * The value of a client's JSON body (RFC 8259, UTF-8).
 * @throws {GatewayError} `invalid_json` when it is none, `invalid_request` when it is nested too deep.
 */
export function parseClientJson(bytes: Uint8Array): Json {
  let value: Json;
  try {
    value = JSON.parse(decoder.decode(bytes)) as Json;
  } catch (thrown) {
    const reason = thrown instanceof SyntaxError ? thrown.message : "the bytes are not UTF-8";
    throw new GatewayError("invalid_json", `The request body is not valid JSON: ${printable(reason)}`);
  }
  if (jsonDepth(value) > requestLimits.jsonDepth) {
    throw new GatewayError(
      "invalid_request",
      `The request body is nested deeper than ${requestLimits.jsonDepth} levels.`,
    );
  }
  return value;
}

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
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it removes
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ").slice(0, 300);
}
