import type { FromSchema } from "./from-schema.ts";

const on = { enum: ["request", "response"] } as const;
const text = { type: "string" } as const;
const headerName = { type: "string", pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$" } as const;
const headerValue = { type: "string", maxLength: 8192 } as const;

/** One member of an RFC 6902 JSON Patch. */
const patchOperation = {
  oneOf: [
    {
      type: "object",
      additionalProperties: false,
      required: ["op", "path", "value"],
      properties: { op: { enum: ["add", "replace", "test"] }, path: text, value: {} },
    },
    {
      type: "object",
      additionalProperties: false,
      required: ["op", "path"],
      properties: { op: { const: "remove" }, path: text },
    },
    {
      type: "object",
      additionalProperties: false,
      required: ["op", "path", "from"],
      properties: { op: { enum: ["move", "copy"] }, path: text, from: text },
    },
  ],
} as const;

/**
 * One change that a hook asks for. The host applies effects in order; a plugin never mutates anything itself.
 * `discriminator` (OpenAPI 3.1) lets a validator pick the one branch that `type` names.
 */
export const effectSchema = {
  type: "object",
  required: ["type"],
  discriminator: { propertyName: "type" },
  oneOf: [
    {
      type: "object",
      additionalProperties: false,
      required: ["type", "on", "name", "value"],
      properties: { type: { const: "set-header" }, on, name: headerName, value: headerValue },
    },
    {
      type: "object",
      additionalProperties: false,
      required: ["type", "on", "name"],
      properties: { type: { const: "remove-header" }, on, name: headerName },
    },
    {
      type: "object",
      additionalProperties: false,
      required: ["type", "name", "value"],
      properties: { type: { const: "set-query" }, name: text, value: text },
    },
    {
      type: "object",
      additionalProperties: false,
      required: ["type", "name"],
      properties: { type: { const: "remove-query" }, name: text },
    },
    {
      type: "object",
      additionalProperties: false,
      required: ["type", "path"],
      properties: { type: { const: "set-path" }, path: { type: "string", pattern: "^/" } },
    },
    {
      type: "object",
      additionalProperties: false,
      required: ["type", "on", "body"],
      properties: { type: { const: "replace-body" }, on, body: {} },
    },
    {
      type: "object",
      additionalProperties: false,
      required: ["type", "on", "patch"],
      properties: { type: { const: "patch-body" }, on, patch: { type: "array", items: patchOperation } },
    },
    {
      /**
       * Ends the stage with this answer. A string body is sent as text, anything else as JSON.
       * With `error` instead of `body` the host writes the message in the client's own error shape.
       */
      type: "object",
      additionalProperties: false,
      required: ["type", "status"],
      properties: {
        type: { const: "respond" },
        status: { type: "integer", minimum: 200, maximum: 599 },
        headers: { type: "object", additionalProperties: headerValue, propertyNames: headerName },
        body: {},
        error: {
          type: "object",
          additionalProperties: false,
          required: ["message"],
          properties: { message: text, code: text },
        },
      },
    },
    {
      type: "object",
      additionalProperties: false,
      required: ["type", "consumer"],
      properties: { type: { const: "identify" }, consumer: text },
    },
    {
      type: "object",
      additionalProperties: false,
      required: ["type", "name", "value"],
      properties: {
        type: { const: "tag" },
        name: { type: "string", minLength: 1, maxLength: 128 },
        value: { type: "string", maxLength: 1024 },
      },
    },
  ],
} as const;

/** What a hook puts out: `{"effects": [...]}`. No output at all means no effects. */
export const outputSchema = {
  $id: "https://sandgate.dev/schemas/abi-1/output.json",
  type: "object",
  additionalProperties: false,
  required: ["effects"],
  properties: { effects: { type: "array", maxItems: 1000, items: effectSchema } },
} as const;

export type Effect = FromSchema<typeof effectSchema>;
export type HookOutput = FromSchema<typeof outputSchema>;
