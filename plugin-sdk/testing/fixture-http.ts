import { isDeepStrictEqual } from "node:util";
import type { Json } from "../abi/from-schema.ts";
import type { ScriptedExchange } from "./fixture-file.ts";
import type { HttpAnswer, HttpScript, SentRequest } from "./scripted-http.ts";

/** Answers requests with what a fixture lists, one after the other. */
export type FixtureHttp = {
  readonly answer: HttpScript;
  /** What was asked otherwise than it is written, since the last time. */
  takeProblems(): string[];
  /** Of the listed exchanges those that nobody asked for, as text; null when there are none. */
  unused(): string | null;
};

export function fixtureHttp(exchanges: readonly ScriptedExchange[]): FixtureHttp {
  let asked = 0;
  const problems: string[] = [];
  return {
    answer(request) {
      const index = asked++;
      const next = exchanges[index];
      if (next === undefined) {
        problems.push(
          `${request.method} ${request.url} is sent, and the fixture's http has no answer for it`,
        );
        return { error: "the fixture has no answer for this request" };
      }
      problems.push(...differences(request, next.request).map((text) => `http.${index}.request.${text}`));
      return answerOf(next);
    },
    takeProblems: () => problems.splice(0),
    unused() {
      const left = exchanges.length - asked;
      return left <= 0
        ? null
        : `http.${asked} was never sent${left > 1 ? `, nor were the ${left - 1} after it` : ""}`;
    },
  };
}

function answerOf({ response: { status, headers, body, error } }: ScriptedExchange): HttpAnswer {
  if (error !== undefined || status === undefined) return { error: error ?? "no answer" };
  return {
    status,
    ...(headers === undefined ? {} : { headers }),
    ...(body === undefined ? {} : { body }),
  };
}

function differences(
  sent: SentRequest,
  { method, url, headers = {}, body }: ScriptedExchange["request"],
): string[] {
  const wanted: readonly (readonly [name: string, wanted: Json | undefined, is: Json | undefined])[] = [
    ["method", method?.toUpperCase(), sent.method],
    ["url", url, sent.url],
    ...Object.entries(headers).map(
      ([name, value]) => [`headers.${name}`, value, sent.headers[name.toLowerCase()]] as const,
    ),
    ["body", body, typeof body === "string" ? sent.body : jsonOr(sent.body)],
  ];
  return wanted.flatMap(([name, value, is]) =>
    value === undefined || isDeepStrictEqual(value, is)
      ? []
      : [
          `${name} is ${JSON.stringify(value)}, and ${is === undefined ? "nothing" : JSON.stringify(is)} is sent`,
        ],
  );
}

function jsonOr(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
