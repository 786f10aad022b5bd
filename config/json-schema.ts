import { z } from "zod";
import { configSchema } from "./schema.ts";

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** A text that is not what it says until it has been interpolated. */
const placeholder = { type: "string", pattern: "\\$\\{[^}]+\\}" } as const;

/**
 * The JSON Schema of `gateway.yaml` for editors, as the text of `gateway.schema.json`. It describes the file
 * before interpolation: where a number, a boolean or a certain text is wanted, `${…}` may stand.
 */
export function gatewayJsonSchema(): string {
  const schema = z.toJSONSchema(configSchema, {
    io: "input",
    override: ({ jsonSchema, path }) => {
      if (path.at(-1) !== "propertyNames" && isNarrow(jsonSchema)) allowPlaceholder(jsonSchema);
    },
  });
  return `${JSON.stringify({ title: "Sandgate gateway.yaml", ...schema }, null, 2)}\n`;
}

function isNarrow(schema: JsonSchema): boolean {
  const isText = schema.type === "string";
  if (isText && schema.pattern === undefined && schema.format === undefined && schema.enum === undefined)
    return false;
  return (
    schema.enum !== undefined || isText || ["integer", "number", "boolean"].includes(String(schema.type))
  );
}

/** In place, as `override` wants it. Description and default stay where editors show them. */
function allowPlaceholder(schema: JsonSchema): void {
  const { description, default: fallback, ...narrow } = schema;
  for (const key of Object.keys(narrow)) delete schema[key];
  schema.anyOf = [narrow, { ...placeholder }];
  if (description !== undefined) schema.description = description;
  if (fallback !== undefined) schema.default = fallback;
}
