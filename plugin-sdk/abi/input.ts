import type { FromSchema } from "./from-schema.ts";

const text = { type: "string" } as const;
const headers = { type: "object", additionalProperties: text } as const;

/** What a hook gets: of this shape, the parts that its manifest's `reads` names and nothing else. */
export const inputSchema = {
  $id: "https://sandgate.dev/schemas/abi-1/input.json",
  type: "object",
  required: ["stage"],
  properties: {
    stage: { enum: ["pre-request", "post-request", "error", "schedule"] },
    request: {
      type: "object",
      properties: {
        method: text,
        /** The path the client asked for, without the query. */
        path: text,
        /** Parameters by name; of a repeated one the first. */
        query: headers,
        /** By lower-case name; repeated fields joined with ", " (RFC 9110 5.3). */
        headers,
        body: {},
      },
    },
    response: {
      type: "object",
      properties: {
        status: { type: "integer" },
        headers,
        body: {},
        /** Tokens as the provider counted them; absent when it did not say. */
        usage: {
          type: "object",
          required: ["inputTokens", "outputTokens"],
          properties: { inputTokens: { type: "integer" }, outputTokens: { type: "integer" } },
        },
      },
    },
    error: {
      type: "object",
      required: ["code", "status", "blame", "message"],
      properties: {
        code: text,
        status: { type: "integer" },
        blame: { enum: ["client", "plugin", "upstream", "gateway"] },
        message: text,
        upstreamStatus: { type: "integer" },
        plugin: text,
      },
    },
    /** The event of a stream that `post_request_event` decides about. */
    event: {
      type: "object",
      required: ["index", "text", "held"],
      properties: {
        /** From 0; those that are dropped count too. */
        index: { type: "integer" },
        /** Of the SSE field `event`, where there is one. */
        name: text,
        /** JSON, or the text as it came, as `[DONE]`. */
        data: {},
        /** What the model says in it, whatever the API; empty where it says nothing. */
        text,
        /** What is held for a later decision, the oldest first. */
        held: {
          type: "array",
          items: { type: "object", required: ["text"], properties: { name: text, data: {}, text } },
        },
        /** True when no event came in time and what is held waits: its decision is about `held` alone. */
        timeout: { type: "boolean" },
        /** True when nothing comes after it, so that nothing can be held any longer. */
        last: { type: "boolean" },
      },
    },
    context: {
      type: "object",
      properties: {
        requestId: text,
        service: text,
        route: text,
        consumer: text,
        groups: { type: "array", items: text },
        tenant: text,
        /** Which attempt at an upstream this is or was, from 1; 0 before the first. */
        attempt: { type: "integer" },
        /** Of the service: their URLs, and whether they count as healthy. */
        targets: {
          type: "array",
          items: {
            type: "object",
            required: ["url", "healthy"],
            properties: { url: text, healthy: { type: "boolean" } },
          },
        },
        tags: headers,
        /** From the first byte of the request to this moment, milliseconds. */
        durationMs: { type: "number" },
      },
    },
  },
} as const;

export type HookInput = FromSchema<typeof inputSchema>;
export type Usage = NonNullable<NonNullable<HookInput["response"]>["usage"]>;
export type EventInfo = NonNullable<HookInput["event"]>;
export type ErrorInfo = NonNullable<HookInput["error"]>;
