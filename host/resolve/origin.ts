import type { ConfigPath } from "#config/schema.ts";
import type { Binding, Source } from "./binding.ts";
import { isObject } from "./merge.ts";

/**
 * The sources of a binding that say a member, `["config", "per"]`, the most general first: the last one is in
 * force, the others are overridden. Nothing below a source that replaced a map on the way is of any account.
 */
export function sourcesOf({ sources }: Binding, member: ConfigPath): readonly Source[] {
  const saying: Source[] = [];
  for (const source of sources.toReversed()) {
    const said = follow(source.declared, member);
    if (said === "said") saying.unshift(source);
    if (said === "cut") break;
  }
  return saying;
}

/** Where a member of a binding stands: the most specific place. For one that is nowhere, where the nearest around it stands. */
export function originOf(binding: Binding, member: ConfigPath): ConfigPath {
  for (let length = member.length; length > 0; length -= 1) {
    const source = sourcesOf(binding, member.slice(0, length)).at(-1);
    if (source !== undefined) return [...source.path, ...member];
  }
  return [...binding.path, ...member];
}

/** Whether a source says the member, says nothing of it, or has something else in its way. */
function follow(declared: unknown, member: ConfigPath): "said" | "silent" | "cut" {
  let value = declared;
  for (const segment of member) {
    if (!isObject(value) && !Array.isArray(value)) return "cut";
    if (!Object.hasOwn(value, segment)) return Array.isArray(value) ? "cut" : "silent";
    value = (value as Readonly<Record<string | number, unknown>>)[segment];
  }
  return "said";
}
