import type { Effect } from "@sandgate/plugin-sdk/abi/effects";
import type { FromSchema, Json } from "@sandgate/plugin-sdk/abi/from-schema";
import { parsePointer, printPointer } from "./pointer.ts";

export const bodySchema = {
  type: "object",
  description: "Changes of the JSON body, by JSON Pointer (RFC 6901)",
  additionalProperties: false,
  properties: {
    remove: {
      type: "array",
      description: "Members to take out",
      items: { type: "string" },
      maxItems: 100,
    },
    set: {
      type: "object",
      description: "Members that get this value, whatever the client sent",
      additionalProperties: {},
      maxProperties: 100,
    },
    default: {
      type: "object",
      description: "Members that get this value when the client sent none",
      additionalProperties: {},
      maxProperties: 100,
    },
  },
} as const;

type Tokens = readonly string[];
/** `paths[i]` is the pointer to the member that `tokens[i]` names. */
type Place = { readonly tokens: Tokens; readonly paths: readonly string[] };
type Rule = Place & { readonly value: Json };
export type BodyRules = {
  readonly remove: readonly Place[];
  readonly set: readonly Rule[];
  readonly fallback: readonly Rule[];
};

/** What is wrong with the rules is added to `problems`. */
export function compileBody(config: FromSchema<typeof bodySchema>, problems: string[]): BodyRules {
  const seen = new Map<string, string>();

  function compile(list: keyof typeof config, entries: readonly (readonly [string, Json])[]): Rule[] {
    return entries.flatMap(([pointer, value]) => {
      const before = seen.get(pointer);
      if (before !== undefined) {
        problems.push(`request.body: "${pointer}" stands in ${before} and in ${list}; a member has one rule`);
      }
      seen.set(pointer, list);
      try {
        const tokens = parsePointer(pointer);
        return [{ tokens, paths: tokens.map((_, index) => printPointer(tokens.slice(0, index + 1))), value }];
      } catch (thrown) {
        problems.push(`request.body.${list}: ${thrown instanceof Error ? thrown.message : thrown}`);
        return [];
      }
    });
  }

  const { remove = [], set = {}, default: fallback = {} } = config;
  return {
    remove: compile(
      "remove",
      remove.map((pointer) => [pointer, null]),
    ),
    set: compile("set", Object.entries(set)),
    fallback: compile("default", Object.entries(fallback)),
  };
}

type Operation = Extract<Effect, { type: "patch-body" }>["patch"][number];
type Container = Json[] | { [name: string]: Json };

/**
 * The JSON Patch that the rules make of a body: remove, then set, then default. Empty where the body is no
 * object. The body is the call's own copy: it is changed along, so that each rule sees what those before it did.
 */
export function bodyPatch({ remove, set, fallback }: BodyRules, body: Json | undefined): Operation[] {
  if (body === undefined || !isContainer(body) || Array.isArray(body)) return [];
  const operations: Operation[] = [];
  for (const place of remove) removeAt(body, place, operations);
  for (const rule of set) placeAt(body, { rule, how: "over", operations });
  for (const rule of fallback) placeAt(body, { rule, how: "absent", operations });
  return operations;
}

function removeAt(body: Container, { tokens, paths }: Place, operations: Operation[]): void {
  const last = tokens.length - 1;
  let parent = body;
  for (let index = 0; index < last; index++) {
    const next = memberOf(parent, tokens[index] ?? "");
    if (next === undefined || !isContainer(next)) return;
    parent = next;
  }
  const token = tokens[last] ?? "";
  if (memberOf(parent, token) === undefined) return;
  if (Array.isArray(parent)) parent.splice(Number(token), 1);
  else delete parent[token];
  operations.push({ op: "remove", path: paths[last] ?? "" });
}

type Placing = { readonly rule: Rule; readonly how: "over" | "absent"; readonly operations: Operation[] };

/** `over` replaces what stands at the place or in the way to it; `absent` leaves alone what the client sent. */
function placeAt(body: Container, { rule: { tokens, paths, value }, how, operations }: Placing): void {
  let parent = body;
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index] ?? "";
    const next = tokens[index + 1];
    const found = memberOf(parent, token);
    if (found !== undefined && next !== undefined && isContainer(found) && canName(found, next)) {
      parent = found;
      continue;
    }
    if (found !== undefined && how === "absent") return;
    if (found === undefined && Array.isArray(parent) && !isEnd(parent, token)) return;
    const rest = tokens.slice(index + 1);
    // A copy: a later rule may reach into the body, but neither into this operation nor into the config.
    put(parent, token, within(rest, copyOf(value)));
    const path = paths[index] ?? "";
    operations.push({ op: found === undefined ? "add" : "replace", path, value: within(rest, value) });
    return;
  }
}

/** The value inside of the parents that are missing. */
function within(tokens: Tokens, value: Json): Json {
  return tokens.reduceRight<Json>((inner, token) => (token === "-" ? [inner] : { [token]: inner }), value);
}

function copyOf(value: Json): Json {
  return isContainer(value) ? JSON.parse(JSON.stringify(value)) : value;
}

/** Own members only: a body without `toString` has none. */
function memberOf(parent: Container, token: string): Json | undefined {
  if (Array.isArray(parent)) return isIndex(token) ? parent[Number(token)] : undefined;
  return Object.hasOwn(parent, token) ? parent[token] : undefined;
}

/** By definition and not by assignment, so that `__proto__` is a member like any other. */
function put(parent: Container, token: string, value: Json): void {
  const name = Array.isArray(parent) && token === "-" ? parent.length : token;
  Object.defineProperty(parent, name, { value, writable: true, enumerable: true, configurable: true });
}

function canName(parent: Container, token: string): boolean {
  return !Array.isArray(parent) || token === "-" || isIndex(token);
}

function isEnd(list: readonly Json[], token: string): boolean {
  return token === "-" || (isIndex(token) && Number(token) === list.length);
}

function isIndex(token: string): boolean {
  return /^(0|[1-9][0-9]{0,8})$/.test(token);
}

function isContainer(value: Json): value is Container {
  return typeof value === "object" && value !== null;
}
