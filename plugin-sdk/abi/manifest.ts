import type { FromSchema } from "./from-schema.ts";
import { abiVersion } from "./hooks.ts";

/**
 * What a hook sees (`reads`) or may change (`writes`): a part of the exchange, a header by its
 * lower-case name, or (reads only) one member of the request body by RFC 6901 pointer.
 * `request.body#/model` delivers `{"request":{"body":{"model":...}}}`; pointers name object members only.
 */
const readPattern =
  "^(request(\\.(method|path|query|body(#(/[^/]+)+)?|headers(\\.[a-z0-9-]+)?))?|response(\\.(status|body|usage|headers(\\.[a-z0-9-]+)?))?|error|event|context(\\.[a-zA-Z]+)?)$";
const writePattern =
  "^(request\\.(path|query|body|headers(\\.[a-z0-9-]+)?)|response\\.(body|headers(\\.[a-z0-9-]+)?)|respond|identify|tags|event|retry|fallback|target|service|model|health)$";

/** `250ms`, `30s`, `5m`, `1h`. */
const durationPattern = "^\\d{1,9}(ms|s|m|h)$";

/** Five fields: `0 3 * * MON-FRI`. What they may hold the gateway says. */
const cronPattern = "^[0-9A-Za-z*,/-]+( +[0-9A-Za-z*,/-]+){4}$";

const hookSchema = {
  type: "object",
  additionalProperties: false,
  properties: {
    reads: { type: "array", items: { type: "string", pattern: readPattern } },
    writes: { type: "array", items: { type: "string", pattern: writePattern } },
    priority: { enum: [1, 2, 3] },
    mode: { enum: ["sequential", "parallel"] },
    /** `completion` runs after the answer ended, also after a failure; it may write tags only. */
    at: { enum: ["headers", "completion"] },
  },
} as const;

/**
 * When `schedule` runs, unless the binding says otherwise: `every` a length of time, or by a `cron` line, read in UTC.
 * There is no request, so it sees and does little.
 */
const scheduleSchema = {
  type: "object",
  additionalProperties: false,
  properties: {
    every: { type: "string", pattern: durationPattern },
    cron: { type: "string", pattern: cronPattern, maxLength: 128 },
    reads: { type: "array", items: { enum: ["context.service", "context.targets", "context.tenant"] } },
    writes: { type: "array", items: { const: "health" } },
  },
  anyOf: [{ required: ["every"] }, { required: ["cron"] }],
  not: { required: ["every", "cron"] },
} as const;

/** The JSON Schema of `sandgate.manifest` (ABI 1). */
export const manifestSchema = {
  $id: "https://sandgate.dev/schemas/abi-1/manifest.json",
  type: "object",
  additionalProperties: false,
  required: ["name", "version", "abi", "hooks"],
  properties: {
    name: { type: "string", pattern: "^[a-z][a-z0-9-]{0,62}$" },
    version: { type: "string", pattern: "^\\d+\\.\\d+\\.\\d+(-[0-9A-Za-z.-]+)?$" },
    abi: { const: abiVersion },
    description: { type: "string", maxLength: 500 },
    category: { enum: ["security", "traffic", "transformation", "observability"] },
    hooks: {
      type: "object",
      additionalProperties: false,
      properties: {
        pre_request: hookSchema,
        post_request: hookSchema,
        post_request_event: hookSchema,
        error: hookSchema,
        schedule: scheduleSchema,
      },
    },
    /** JSON Schema 2020-12 of the binding's `config`; `writeOnly: true` marks a secret. */
    configSchema: { type: "object", additionalProperties: {} },
    capabilities: { type: "array", items: { type: "string", pattern: "^[a-z]+$" } },
    /** What a failing call does to the request unless the binding says otherwise. */
    failure: { enum: ["closed", "open"] },
    /** `request`: every call starts from the state after `configure`; `instance`: state stays. */
    state: { enum: ["request", "instance"] },
  },
} as const;

export type Manifest = FromSchema<typeof manifestSchema>;
export type HookDeclaration = FromSchema<typeof hookSchema>;
export type ScheduleDeclaration = FromSchema<typeof scheduleSchema>;
