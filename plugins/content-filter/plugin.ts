import { definePlugin, type Effect, type Json } from "@sandgate/plugin-sdk";
import { decide } from "./events.ts";
import { recogniserNames } from "./recognisers.ts";
import { compileRules, type Matcher, type Side } from "./rules.ts";
import { type Match, masked, scan } from "./scan.ts";
import { textsIn } from "./texts.ts";

let matchers: Readonly<Record<Side, readonly Matcher[]>> = { request: [], response: [] };

export default definePlugin({
  name: "content-filter",
  version: "1.0.0",
  description: "Finds words, patterns and personal data in requests and answers; blocks, masks or tags them.",
  category: "security",
  hooks: {
    pre_request: { reads: ["request.body"], writes: ["request.body", "respond", "tags"], priority: 1 },
    post_request: { reads: ["response.body"], writes: ["response.body", "respond", "tags"], priority: 1 },
    // In place of post_request where the answer is a stream.
    post_request_event: { reads: ["event", "context.tags"], writes: ["event", "tags"], priority: 1 },
  },
  configSchema: {
    type: "object",
    additionalProperties: false,
    required: ["rules"],
    properties: {
      rules: {
        type: "array",
        description: "What to look for, and what to do where it is found",
        minItems: 1,
        maxItems: 100,
        items: {
          type: "object",
          additionalProperties: false,
          required: ["action"],
          anyOf: [{ required: ["words"] }, { required: ["regex"] }, { required: ["pii"] }],
          properties: {
            name: { type: "string", pattern: "^[A-Za-z0-9_. -]{1,64}$" },
            words: {
              type: "array",
              items: { type: "string", minLength: 1, maxLength: 128, pattern: "\\S" },
              minItems: 1,
              maxItems: 1_000,
            },
            regex: { type: "string", minLength: 1, maxLength: 1_000 },
            pii: { type: "array", items: { enum: recogniserNames }, minItems: 1, uniqueItems: true },
            action: { enum: ["block", "mask", "tag"] },
            on: {
              type: "array",
              items: { enum: ["request", "response"] },
              minItems: 1,
              uniqueItems: true,
              default: ["request", "response"],
            },
          },
        },
      },
    },
  },

  configure({ rules }) {
    const all = compileRules(rules);
    matchers = {
      request: all.filter(({ on }) => on.includes("request")),
      response: all.filter(({ on }) => on.includes("response")),
    };
  },

  preRequest: ({ request }) => filter("request", request.body),
  postRequest: ({ response }) => filter("response", response?.body),

  postRequestEvent({ event, context }) {
    if (matchers.response.length === 0) return;
    const { effect, found } = decide(event, matchers.response);
    if (found.length === 0) return effect;
    const blocking = found.find(({ matcher }) => matcher.action === "block");
    const stop = blocking === undefined ? null : { message: messageOf("response", blocking.matcher), code };
    return [
      tagOf("response", found, context.tags?.[tagName("response")]),
      stop === null ? effect : { type: "event", action: "stop", held: "drop", error: stop },
    ];
  },
});

function filter(side: Side, body: Json | undefined): Effect[] {
  if (matchers[side].length === 0) return [];
  const texts = textsIn(side, body).map((text) => ({ ...text, matches: scan(text.text, matchers[side]) }));
  const matches = texts.flatMap((text) => text.matches);
  const blocking = matches.find(({ matcher }) => matcher.action === "block");
  if (blocking !== undefined) return [tagOf(side, matches), refusal(side, blocking.matcher)];
  const patch = texts.flatMap(({ path, text, matches }) => {
    const value = masked(text, matches);
    return value === null ? [] : [{ op: "replace" as const, path, value }];
  });
  return [
    ...(matches.length > 0 ? [tagOf(side, matches)] : []),
    ...(patch.length > 0 ? [{ type: "patch-body" as const, on: side, patch }] : []),
  ];
}

/** `content-filter.request`: the names of what was found, those of earlier events too. */
function tagOf(side: Side, matches: readonly Match[], earlier = ""): Effect {
  const names = new Set([
    ...earlier.split(",").filter(Boolean),
    ...matches.map(({ matcher }) => matcher.label),
  ]);
  return {
    type: "tag",
    name: tagName(side),
    value: [...names].toSorted().join(",").slice(0, 1_024),
  };
}

function tagName(side: Side): string {
  return `content-filter.${side}`;
}

const code = "content_filter";

function messageOf(side: Side, { label }: Matcher): string {
  return `The ${side === "request" ? "request" : "answer"} was blocked by the content filter: ${label}.`;
}

function refusal(side: Side, matcher: Matcher): Effect {
  return { type: "respond", status: 403, error: { message: messageOf(side, matcher), code } };
}
