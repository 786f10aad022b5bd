import { egressLimits } from "#host/limits.ts";
import type { HostCall } from "./capability.ts";
import { type Answer, failureOf, textOfFailure } from "./http-send.ts";
import { answerBlock, Refused, readText, readWithin } from "./user-functions.ts";

/** Sends one request of a call, `wanted` as the plugin has written it; throws why there is no answer. */
export type Ask = (wanted: unknown, body: Uint8Array) => Promise<Answer>;

type Item = { readonly wanted: unknown; readonly body: Uint8Array };

const list = { limit: egressLimits.headChars, what: "the list of requests" };
const bodies = { limit: egressLimits.requestBytes, what: "what the requests send" };

/**
 * `http_request_all(requests, bodies) -> answers`: all at once, and the plugin goes on when the last has ended. Both blocks are a list in
 * JSON, of `{"url", "method", "headers", "timeoutMs", "bodyBytes"}` and of `{"status", "headers", "bodyBytes"}` or `{"error"}`; the
 * bodies follow one another, of the answers behind the line feed that ends the list. What fails is the answer to its request alone.
 * @throws Refused for a list that is none, which ends the call
 */
export async function requestAll(
  call: HostCall,
  [listAt, bodiesAt]: readonly [bigint, bigint],
  ask: Ask,
): Promise<bigint> {
  const items = itemsOf(readText(call, listAt, list), readWithin(call, bodiesAt, bodies));
  // What was read may be cut when the fuel has ended.
  if (!call.active) return 0n;
  const answers = await Promise.all(
    items.map(async ({ wanted, body }, index) => {
      try {
        return await ask(wanted, body);
      } catch (reason) {
        // What fails out there is a value for the plugin, as with `http_request`.
        call.log("error", `http_request_all: request ${index}: ${textOfFailure(reason)}`);
        return { error: failureOf(reason) };
      }
    }),
  );
  return call.active ? answerBlock(call, written(answers)) : 0n;
}

function itemsOf(text: string, bytes: Uint8Array): readonly Item[] {
  const wanted = listOf(text);
  if (wanted.length > egressLimits.listed) {
    throw new Refused(`${list.what} has ${wanted.length} of them; ${egressLimits.listed} are allowed`);
  }
  let end = 0;
  const items = wanted.map((one, index) => {
    const start = end;
    end += bodyBytesOf(one, index);
    return { wanted: one, body: bytes.subarray(start, end) };
  });
  if (end !== bytes.length) {
    throw new Refused(`${bodies.what} has ${bytes.length} bytes; their bodyBytes make ${end}`);
  }
  return items;
}

function listOf(text: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value)) return value;
  } catch {
    // Said below, as of any other text.
  }
  throw new Refused(`${list.what} is not a list in JSON`);
}

function bodyBytesOf(wanted: unknown, index: number): number {
  const { bodyBytes = 0 } = (wanted ?? {}) as { readonly bodyBytes?: unknown };
  if (Number.isSafeInteger(bodyBytes) && (bodyBytes as number) >= 0) return bodyBytes as number;
  throw new Refused(`${list.what}: ${index}.bodyBytes is not a number of bytes`);
}

function written(answers: readonly (Answer | { readonly error: string })[]): Uint8Array {
  const heads = answers.map((answer) =>
    "error" in answer
      ? answer
      : { status: answer.status, headers: answer.headers, bodyBytes: answer.body.length },
  );
  const parts = answers.flatMap((answer) => ("error" in answer ? [] : [answer.body]));
  return Buffer.concat([Buffer.from(`${JSON.stringify(heads)}\n`), ...parts]);
}
