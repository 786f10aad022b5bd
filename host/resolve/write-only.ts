import type { ConfigPath } from "#config/schema.ts";
import { isObject } from "./merge.ts";

type Schema = Readonly<Record<string, unknown>>;

/** How many subschemas one member may lead to: a schema that refers to itself has no end. */
const most = 1_000;

/**
 * Whether a plugin's schema marks a member of its config, or anything around it, `writeOnly`. Every branch of
 * the schema counts, whether the config takes it or not, and what cannot be followed counts as marked: a secret
 * must not be shown because the schema is clever.
 */
export function isWriteOnly(schema: Schema, member: ConfigPath): boolean {
  if (!/"writeOnly"/.test(JSON.stringify(schema))) return false;
  let level: readonly unknown[] = [schema];
  for (const segment of [...member, null]) {
    const all = expand(schema, level);
    if (all === null || all.some((one) => one["writeOnly"] === true)) return true;
    if (segment !== null) level = all.flatMap((one) => below(one, segment));
  }
  return false;
}

const alternatives = ["allOf", "anyOf", "oneOf", "if", "then", "else", "not", "dependentSchemas"] as const;

/** The schemas and all that apply to the same value; null when one cannot be followed. */
function expand(root: Schema, schemas: readonly unknown[]): Schema[] | null {
  const found = new Set<unknown>(schemas);
  for (const schema of found) {
    if (found.size > most) return null;
    if (!isObject(schema)) continue;
    const reference = schema["$ref"] ?? schema["$dynamicRef"];
    if (reference !== undefined) {
      const target = resolve(root, reference);
      if (target === undefined) return null;
      found.add(target);
    }
    for (const name of alternatives) for (const one of membersOf(schema[name], name)) found.add(one);
  }
  return [...found].filter(isObject);
}

function membersOf(value: unknown, name: (typeof alternatives)[number]): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (!isObject(value)) return [];
  return name === "dependentSchemas" ? Object.values(value) : [value];
}

/** `#` and `#/$defs/key`; undefined for an anchor, and for a pointer with percent signs. */
function resolve(root: Schema, reference: unknown): unknown {
  if (reference === "#") return root;
  if (typeof reference !== "string" || !/^#\/[^%]*$/.test(reference)) return undefined;
  return reference
    .slice(2)
    .split("/")
    .map((segment) => segment.replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce<unknown>((value, segment) => (value as Record<string, unknown> | undefined)?.[segment], root);
}

/** The schemas of a member. One that other keywords leave out is still looked at. */
function below(schema: Schema, segment: string | number): unknown[] {
  const { properties, patternProperties, prefixItems } = schema;
  const found: unknown[] = ["additionalProperties", "unevaluatedProperties", "items", "contains"].map(
    (name) => schema[name],
  );
  found.push(schema["unevaluatedItems"]);
  if (isObject(properties) && Object.hasOwn(properties, segment)) found.push(properties[segment]);
  if (isObject(patternProperties)) found.push(...Object.values(patternProperties));
  if (Array.isArray(prefixItems)) found.push(...prefixItems);
  return found.filter((one) => one !== undefined);
}
