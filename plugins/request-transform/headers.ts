import type { Effect } from "@sandgate/plugin-sdk/abi/effects";
import type { FromSchema } from "@sandgate/plugin-sdk/abi/from-schema";

const fields = (description: string) =>
  ({ type: "object", description, additionalProperties: { type: "string" }, maxProperties: 100 }) as const;

export const headersSchema = {
  type: "object",
  description: "Changes of the headers, by name; upper and lower case are the same",
  additionalProperties: false,
  properties: {
    remove: { type: "array", description: "Headers to take out", items: { type: "string" }, maxItems: 100 },
    set: fields("Headers that get this value, whatever was there"),
    add: fields("Values to append to the header, after a comma; where it is absent it is made"),
    default: fields("Headers that get this value when they are absent"),
  },
} as const;

type Side = "request" | "response";
const lists = ["remove", "set", "add", "default"] as const;
type Rule = { readonly name: string; readonly how: (typeof lists)[number]; readonly value: string };
export type HeaderRules = readonly Rule[];

/** The longest value that the ABI lets a plugin set. */
const maxValueChars = 8192;

/** What the host decides about, on both sides: framing, the connection, the request's id. */
const hostsOwn = [
  "connection",
  "content-length",
  "date",
  "keep-alive",
  "server-timing",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "x-request-id",
];

/** What the consumer proves itself with; the gateway sends the target's `key` instead. */
const credentials = ["api-key", "authorization", "x-api-key", "x-goog-api-key"];

/** What else the host sends to no upstream: who the client is, and what would change the meaning of an answer. */
const notSent = [
  "accept-encoding",
  "cf-connecting-ip",
  "cookie",
  "expect",
  "fastly-client-ip",
  "forwarded",
  "host",
  "http2-settings",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "true-client-ip",
  "via",
  "x-client-ip",
  "x-cluster-client-ip",
  "x-original-forwarded-for",
  "x-real-ip",
];

/** What is wrong with the rules is added to `problems`. */
export function compileHeaders(
  side: Side,
  config: FromSchema<typeof headersSchema>,
  problems: string[],
): HeaderRules {
  const { remove = [] } = config;
  const rules: Rule[] = lists.flatMap((how) => {
    const entries =
      how === "remove" ? remove.map((name) => [name, ""] as const) : Object.entries(config[how] ?? {});
    return entries.map(([name, value]) => ({ name: name.toLowerCase(), how, value }));
  });
  const seen = new Map<string, string>();
  for (const rule of rules) {
    const before = seen.get(rule.name);
    const problem =
      before === undefined
        ? problemOf(side, rule)
        : `"${rule.name}" stands in ${before} and in ${rule.how}; a header has one rule`;
    seen.set(rule.name, rule.how);
    if (problem !== null) problems.push(`${side}.headers.${rule.how}: ${problem}`);
  }
  return rules;
}

function problemOf(side: Side, { name, how, value }: Rule): string | null {
  if (!/^[!#$%&'*+.^_`|~0-9a-z-]{1,256}$/.test(name)) return `${JSON.stringify(name)} is no header name`;
  if (hostsOwn.includes(name)) return `${name} is set by the gateway alone`;
  if (side === "request" && credentials.includes(name)) {
    return `${name} never reaches an upstream; its credential is the \`key\` of the target`;
  }
  if (side === "request" && (notSent.includes(name) || /^(proxy|x-forwarded)-/.test(name))) {
    return `${name} never reaches an upstream`;
  }
  if (how === "add" && name === "set-cookie") return "two cookies do not fit one set-cookie header; use set";
  if (!/^[\t\x20-\x7e\xa0-\xff]*$/.test(value))
    return `the value of ${name} has characters that no header may have`;
  if (value.length > maxValueChars) return `the value of ${name} is longer than ${maxValueChars} characters`;
  return null;
}

/** What the rules change of the headers that are there. `warn` gets what could not be done. */
export function headerEffects(
  side: Side,
  rules: HeaderRules,
  options: {
    readonly present: { readonly [name: string]: string };
    readonly warn: (message: string) => void;
  },
): Effect[] {
  return rules.flatMap(({ name, how, value }): Effect[] => {
    const before = Object.hasOwn(options.present, name) ? options.present[name] : undefined;
    switch (how) {
      case "remove":
        return before === undefined ? [] : [{ type: "remove-header", on: side, name }];
      case "set":
        return [{ type: "set-header", on: side, name, value }];
      case "default":
        return before === undefined ? [{ type: "set-header", on: side, name, value }] : [];
      case "add": {
        const both = before === undefined || before === "" ? value : `${before}, ${value}`;
        if (both.length <= maxValueChars) return [{ type: "set-header", on: side, name, value: both }];
        options.warn(`${name} is too long already to add to it`);
        return [];
      }
      default:
        return how satisfies never;
    }
  });
}
