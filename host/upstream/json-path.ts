import type { JsonPath } from "#host/stream-event.ts";
import type { Json } from "#sdk/abi/from-schema.ts";

type JsonObject = { readonly [name: string]: Json };

/** An own member of an object, or undefined: an upstream may send anything. */
export function member(value: Json | undefined, name: string): Json | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, name) ? (value as JsonObject)[name] : undefined;
}

export function textIn(value: Json | undefined, name: string): string | undefined {
  const found = member(value, name);
  return typeof found === "string" ? found : undefined;
}

export function numberIn(value: Json | undefined, name: string): number | undefined {
  const found = member(value, name);
  return typeof found === "number" ? found : undefined;
}

export function listIn(value: Json | undefined, name: string): readonly Json[] {
  const found = member(value, name);
  return Array.isArray(found) ? found : [];
}

/** An object's own members; empty for what is none. */
export function objectIn(value: Json | undefined, name: string): JsonObject {
  return asObject(member(value, name));
}

export function asObject(value: Json | undefined): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

export function valueAt(value: Json | undefined, path: JsonPath): Json | undefined {
  return path.reduce<Json | undefined>(
    (found, key) =>
      typeof key === "number" ? (Array.isArray(found) ? found[key] : undefined) : member(found, key),
    value,
  );
}

/** The same value but for what is at `path`, which must be there. */
export function withValueAt(value: Json, path: JsonPath, put: Json): Json {
  const [key, ...rest] = path;
  if (key === undefined) return put;
  if (typeof key === "number") {
    const list = value as readonly Json[];
    return list.with(key, withValueAt(list[key] ?? null, rest, put));
  }
  const object = value as JsonObject;
  return { ...object, [key]: withValueAt(object[key] ?? null, rest, put) };
}
