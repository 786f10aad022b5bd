import type { FromSchema } from "./from-schema.ts";

const on = { enum: ["request", "response"] } as const;
const text = { type: "string" } as const;
const headerName = { type: "string", pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$" } as const;
const headerValue = { type: "string", maxLength: 8192 } as const;

/** What a plugin tells the client; the host puts it into the shape of the client's API. */
const ownError = {
  type: "object",
  additionalProperties: false,
  required: ["message"],
  properties: { message: text, code: text },
} as const;

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
        error: ownError,
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
    {
      /** Of `post_request_event`; without one the event passes, and what is held before it. */
      type: "object",
      additionalProperties: false,
      required: ["type", "action"],
      properties: {
        type: { const: "event" },
        /**
         * `pass` it as it came; `replace` its text or its data; `drop` it; `hold` it for a later decision; `stop` the stream
         * with an error event.
         */
        action: { enum: ["pass", "replace", "drop", "hold", "stop"] },
        /**
         * Of `replace`: the text of the model in it, in place of what it says. Where it says nothing and `held` is dropped, the text
         * goes out in place of the held one.
         */
        text: { type: "string", maxLength: 1_048_576 },
        /** Of `replace`: the whole data, JSON or a text. */
        data: {},
        /**
         * What becomes of the events that are held: they `pass` before this one, are dropped, or stay held. The default is `pass`, of
         * `stop` it is `drop`.
         */
        held: { enum: ["pass", "drop", "keep"] },
        /**
         * The oldest `count` of the held events go on before anything else; all else that the decision says is about those after them,
         * and the default of `held` is `keep` then.
         */
        release: {
          type: "object",
          additionalProperties: false,
          required: ["count"],
          properties: {
            count: { type: "integer", minimum: 1 },
            /** In place of all that they say: the last of them that has a text says it, and the others nothing. */
            text: { type: "string", maxLength: 1_048_576 },
            /** The text of the next one that has a text: of those that stay held, else of the event itself where it is held or passes. */
            rest: { type: "string", maxLength: 1_048_576 },
          },
        },
        /** Of `stop`. */
        error: ownError,
      },
    },
    {
      /** Of `error`: asks an upstream once more, after a delay. The host has the last word: attempts, time, first byte. */
      type: "object",
      additionalProperties: false,
      required: ["type"],
      properties: {
        type: { const: "retry" },
        /** Default: `next`, another target where the service has one. */
        target: { enum: ["same", "next"] },
        delayMs: { type: "integer", minimum: 0, maximum: 60_000 },
      },
    },
    {
      /** Of `error`: asks another service, another model, or both. */
      type: "object",
      additionalProperties: false,
      required: ["type"],
      properties: { type: { const: "fallback" }, service: text, model: text },
      anyOf: [{ required: ["service"] }, { required: ["model"] }],
    },
    {
      /** Of `pre_request`: the target of the service that is asked first, by its URL as the config has it. */
      type: "object",
      additionalProperties: false,
      required: ["type", "url"],
      properties: { type: { const: "target" }, url: text },
    },
    {
      /** Of `pre_request`: the service that is asked in place of the route's. */
      type: "object",
      additionalProperties: false,
      required: ["type", "service"],
      properties: { type: { const: "service" }, service: text },
    },
    {
      /** Of `pre_request`: `model` of the body. */
      type: "object",
      additionalProperties: false,
      required: ["type", "model"],
      properties: { type: { const: "model" }, model: { type: "string", minLength: 1, maxLength: 256 } },
    },
    {
      /** Of `schedule`: what a probe of a target has found. It holds until the next, or until a request to it goes well. */
      type: "object",
      additionalProperties: false,
      required: ["type", "url", "healthy"],
      properties: { type: { const: "health" }, url: text, healthy: { type: "boolean" } },
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
