import type { FromSchema } from "./from-schema.ts";

const text = { type: "string" } as const;
const headers = { type: "object", additionalProperties: text } as const;

/** What a hook gets: of this shape, the parts that its manifest's `reads` names and nothing else. */
export const inputSchema = {
  $id: "https://sandgate.dev/schemas/abi-1/input.json",
  type: "object",
  required: ["stage"],
  properties: {
    stage: { enum: ["pre-request", "post-request", "error"] },
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
    context: {
      type: "object",
      properties: {
        requestId: text,
        service: text,
        route: text,
        consumer: text,
        groups: { type: "array", items: text },
        tags: headers,
        /** From the first byte of the request to this moment, milliseconds. */
        durationMs: { type: "number" },
      },
    },
  },
} as const;

export type HookInput = FromSchema<typeof inputSchema>;
export type Usage = NonNullable<NonNullable<HookInput["response"]>["usage"]>;
export type ErrorInfo = NonNullable<HookInput["error"]>;
