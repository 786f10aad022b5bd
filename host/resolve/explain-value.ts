import { valueAt } from "#config/issue.ts";
import { printPath } from "#config/problem.ts";
import type { ConfigPath } from "#config/schema.ts";
import { type ConfigSource, interpolatedAt, locate } from "#config/source.ts";
import type { Json } from "#sdk/abi/from-schema.ts";
import type { Binding, Level, Source } from "./binding.ts";
import { isObject } from "./merge.ts";
import { sourcesOf } from "./origin.ts";

/** A place in the config file. Line and column start at 1. */
export type Place = {
  /** `routes.chat.use.0.priority` */
  readonly path: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
};

/** A binding as it is written, or a part of it. */
export type BindingPlace = Place & { readonly level: Level; readonly owner: string | null };

/**
 * Where a value comes from: a binding, the plugin's manifest, a default of the plugin's `configSchema`, the operator's
 * `limits.plugins`, or the gateway itself.
 */
export type From =
  | ({ readonly kind: "binding" } & BindingPlace)
  | { readonly kind: "manifest" }
  | { readonly kind: "schema" }
  | ({ readonly kind: "operator" } & Place)
  | { readonly kind: "default" };

/** A value that is in force, and what more general bindings say in its place, the nearest first. */
export type Said<Value = Json> = {
  readonly value: Value;
  readonly from: From;
  readonly overrides: readonly { readonly value: Value; readonly from: From }[];
};

/** Stands for what is secret: what came from the environment or a file, and what a plugin's schema marks `writeOnly`. */
export const secret = "<secret>";

export function placeOf(source: ConfigSource, path: ConfigPath): Place {
  return { path: printPath(path), ...locate(source, path) };
}

export function bindingPlaceOf(
  source: ConfigSource,
  { level, owner, path }: Pick<Source, "level" | "owner" | "path">,
  member: ConfigPath = [],
): BindingPlace {
  return { level, owner, ...placeOf(source, [...path, ...member]) };
}

/** A value of the config as it may be shown. */
export function shown(
  value: Json,
  {
    source,
    path,
    isSecret,
  }: { source: ConfigSource; path: ConfigPath; isSecret: (inner: ConfigPath) => boolean },
): Json {
  function mask(one: Json, inner: ConfigPath): Json {
    if (isSecret(inner) || interpolatedAt(source, [...path, ...inner]) !== undefined) return secret;
    if (Array.isArray(one)) return one.map((item, index) => mask(item, [...inner, index]));
    if (!isObject(one)) return one;
    return Object.fromEntries(
      Object.entries(one).map(([name, item]) => [name, mask(item, [...inner, name])]),
    );
  }
  return mask(value, []);
}

type Options = {
  readonly source: ConfigSource;
  /** What is in force where no binding says anything. */
  readonly otherwise: { readonly value: Json; readonly from: From };
  readonly isSecret?: (inner: ConfigPath) => boolean;
};

/** What a member of a binding is, and who says so. */
export function saidOf(
  binding: Binding,
  member: ConfigPath,
  { source, otherwise, isSecret = () => false }: Options,
): Said {
  const [last, ...before] = sourcesOf(binding, member).toReversed();
  const say = (one: Source) => ({
    value: shown(valueAt(one.declared, member) as Json, { source, path: [...one.path, ...member], isSecret }),
    from: { kind: "binding", ...bindingPlaceOf(source, one, member) } as const,
  });
  if (last === undefined) return { ...otherwise, overrides: [] };
  return { ...say(last), overrides: before.map(say) };
}
