import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { plainScalar } from "./interpolate.ts";
import { valueAt } from "./issue.ts";
import { configLimits } from "./limits.ts";
import type { BindingConfig, ConfigPath, ConfigProblem } from "./schema.ts";
import { suggest } from "./suggest.ts";
import { withinTime } from "./time-limit.ts";

type PluginConfig = NonNullable<BindingConfig["config"]>;
type Schema = Readonly<Record<string, unknown>>;

export type CheckedPluginConfig =
  | { readonly ok: true; readonly config: PluginConfig }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

/** More of them help nobody, and a hostile schema could make millions. */
const maxProblems = 50;

/**
 * Checks a binding's config against the plugin's own `configSchema` (JSON Schema 2020-12) and fills in its
 * defaults. The schema is a stranger's: it may not refer outside of itself, its size and depth are bounded, and
 * it is compiled and run under a time limit, because its `pattern` runs in the gateway. Paths of problems start
 * inside of the config; a problem with the schema itself has the empty path.
 * @param options.isPlaceholder whether the text at a path came from `${…}` as a whole. Where the schema wants a
 *   number or a boolean, such a text becomes one, as it would have without the placeholder.
 */
export function checkPluginConfig(
  schema: Schema,
  config: PluginConfig,
  options: { isPlaceholder?: (path: ConfigPath) => boolean } = {},
): CheckedPluginConfig {
  const unfit = compiled.has(schema) ? undefined : unfitSchema(schema);
  if (unfit !== undefined) return schemaProblem(unfit);
  try {
    const checked = withinTime(configLimits.schemaCheckMs, () => {
      const validate = compiled.get(schema) ?? compile(schema);
      // After an interruption it may be half changed; what ends well puts it back.
      compiled.delete(schema);
      const found = check(validate, config, options.isPlaceholder ?? (() => false));
      compiled.set(schema, validate);
      return found;
    });
    return (
      checked?.value ??
      schemaProblem(`takes longer than ${configLimits.schemaCheckMs} ms to check this config`)
    );
  } catch (thrown) {
    // Ajv throws for what it cannot compile, and a schema that refers to itself without end exhausts the stack.
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    return schemaProblem(`cannot be used: ${reason.slice(0, 300)}`);
  }
}

/** A schema is compiled once for all bindings of its plugin: that takes longer than most checks. */
const compiled = new WeakMap<Schema, ValidateFunction>();

function check(
  validate: ValidateFunction,
  config: PluginConfig,
  isPlaceholder: (path: ConfigPath) => boolean,
): CheckedPluginConfig {
  const filled = withoutPrototypes(config);
  if (validate(filled)) return { ok: true, config: structuredClone(filled) };
  const typed = typePlaceholders(config, validate.errors ?? [], isPlaceholder);
  if (typed !== undefined && validate(typed)) return { ok: true, config: structuredClone(typed) };
  const errors = (validate.errors ?? []).slice(0, maxProblems);
  return { ok: false, problems: errors.map((error) => problemOf(error, typed ?? config)) };
}

const dialect = "https://json-schema.org/draft/2020-12/schema";

/** Compiled once, because it takes Ajv ten times longer than a plugin's schema. Holds no state of a check. */
const isSchema = new Ajv2020({ strict: false }).compile<Schema>({ $ref: dialect });

/** A new one for each schema: after an interruption its caches may be half written. */
function newAjv(): Ajv2020 {
  const ajv = new Ajv2020({
    meta: false,
    validateSchema: false,
    allErrors: true,
    verbose: true,
    strictSchema: true,
    strictNumbers: true,
    // Schemas that say `required` or `properties` in one branch of an `anyOf` are no mistake.
    strictTypes: false,
    strictRequired: false,
    strictTuples: false,
    useDefaults: true,
    ownProperties: true,
    logger: false,
  });
  return addFormats.default(ajv);
}

/** @throws {Error} when it is no JSON Schema. */
function compile(schema: Schema): ValidateFunction {
  if (!isSchema(schema)) {
    const { instancePath = "", message = "is no JSON Schema" } = isSchema.errors?.[0] ?? {};
    throw new Error(`${instancePath || "/"} ${message}`);
  }
  return newAjv().compile(schema);
}

function schemaProblem(message: string): CheckedPluginConfig {
  return { ok: false, problems: [{ path: [], message: `the plugin's configSchema ${message}` }] };
}

/** What bars the schema from being compiled. Walks level by level: no nesting can exhaust the stack. */
function unfitSchema(schema: Schema): string | undefined {
  const { $schema = dialect } = schema;
  if ($schema !== dialect) return `has a $schema other than ${dialect}`;
  let level: unknown[] = [schema];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > configLimits.pluginSchemaDepth)
      return `is nested deeper than ${configLimits.pluginSchemaDepth} levels`;
    const next: unknown[] = [];
    for (const value of level) {
      if (typeof value !== "object" || value === null) continue;
      for (const [key, inner] of Object.entries(value)) {
        if (key === "__proto__" || key === "$async") return `must not contain "${key}"`;
        if (
          (key === "$ref" || key === "$dynamicRef") &&
          typeof inner === "string" &&
          !inner.startsWith("#")
        ) {
          return `refers to ${JSON.stringify(inner.slice(0, 100))}; a $ref starts with #`;
        }
        next.push(inner);
      }
    }
    level = next;
  }
  const bytes = Buffer.byteLength(JSON.stringify(schema));
  return bytes > configLimits.pluginSchemaBytes
    ? `has ${bytes} bytes, the limit is ${configLimits.pluginSchemaBytes}`
    : undefined;
}

/** A copy with the placeholders that failed for their type replaced; undefined when there is none. */
function typePlaceholders(
  config: PluginConfig,
  errors: readonly ErrorObject[],
  isPlaceholder: (path: ConfigPath) => boolean,
): PluginConfig | undefined {
  const copy = withoutPrototypes(config);
  let changed = false;
  for (const { keyword, instancePath } of errors) {
    if (keyword !== "type" && keyword !== "enum" && keyword !== "const") continue;
    const path = pathOf(instancePath, config);
    const text = valueAt(config, path);
    const typed = typeof text === "string" && isPlaceholder(path) ? plainScalar(text) : undefined;
    const last = path.at(-1);
    if (typed === undefined || last === undefined) continue;
    (valueAt(copy, path.slice(0, -1)) as Record<string | number, unknown>)[last] = typed;
    changed = true;
  }
  return changed ? copy : undefined;
}

function problemOf(error: ErrorObject, config: PluginConfig): ConfigProblem {
  const path = pathOf(error.instancePath, config);
  const params: Readonly<Record<string, unknown>> = error.params;
  const { additionalProperty, unevaluatedProperty, missingProperty, allowedValues } = params;
  const unknown = additionalProperty ?? unevaluatedProperty;
  if (typeof unknown === "string") {
    const { properties = {} } = (error.parentSchema ?? {}) as { properties?: object };
    return withHint([...path, unknown], "unknown key", suggest(unknown, Object.keys(properties)));
  }
  if (typeof missingProperty === "string") return { path: [...path, missingProperty], message: "is missing" };
  if (Array.isArray(allowedValues)) {
    const message = `must be one of ${allowedValues.map((value) => JSON.stringify(value)).join(", ")}`;
    const given = typeof error.data === "string" ? error.data : "";
    return withHint(path, message.slice(0, 300), suggest(given, allowedValues.map(String)));
  }
  return { path, message: (error.message ?? `fails "${error.keyword}"`).slice(0, 300) };
}

function withHint(path: ConfigPath, message: string, hint: string | undefined): ConfigProblem {
  return hint === undefined ? { path, message } : { path, message, hint };
}

/** A copy in which nothing is inherited: Ajv takes `toString` of a plain object for a value where a default is due. */
function withoutPrototypes<Value>(value: Value): Value {
  if (Array.isArray(value)) return value.map(withoutPrototypes) as Value;
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, withoutPrototypes(inner)]);
  return Object.assign(Object.create(null), Object.fromEntries(entries));
}

/** RFC 6901 pointer to path; a segment is a number where the config has a list. */
function pathOf(pointer: string, config: PluginConfig): ConfigPath {
  const path: (string | number)[] = [];
  for (const escaped of pointer.split("/").slice(1)) {
    const segment = escaped.replaceAll("~1", "/").replaceAll("~0", "~");
    path.push(Array.isArray(valueAt(config, path)) ? Number(segment) : segment);
  }
  return path;
}
