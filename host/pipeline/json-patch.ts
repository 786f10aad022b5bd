import type { Effect } from "#sdk/abi/effects.ts";
import type { Json } from "#sdk/abi/from-schema.ts";
import { jsonDepth } from "../json.ts";
import { requestLimits, upstreamLimits } from "../limits.ts";

export type Patch = Extract<Effect, { type: "patch-body" }>["patch"];
type Operation = Patch[number];
type Members = { readonly [name: string]: Json };

/** A patch that cannot be applied: which operation, and why. */
export class PatchError extends Error {}

/**
 * The document that `patch` (RFC 6902) makes of `document`. The original is not touched: what a patch
 * changes is copied along its path, so a patch that fails half-way leaves nothing behind.
 * Only own members are ever followed; `/toString/call` names nothing.
 * @throws {PatchError} when an operation has no target, a `test` fails, or the result would be too deep or too large.
 */
export function applyPatch(document: Json, patch: Patch): Json {
  let result = document;
  let copied = 0;
  for (const [index, operation] of patch.entries()) {
    try {
      if (operation.op === "copy") copied += JSON.stringify(valueAt(result, operation.from)).length;
      // Copies of copies double with each operation; what they add up to is bounded, not their number.
      if (copied > upstreamLimits.bufferedBodyBytes)
        throw new PatchError("the copies are too large together");
      result = applyOperation(result, operation);
    } catch (thrown) {
      if (!(thrown instanceof PatchError)) throw thrown;
      throw new PatchError(`patch operation ${index} (${operation.op} ${operation.path}): ${thrown.message}`);
    }
  }
  return result;
}

function applyOperation(document: Json, operation: Operation): Json {
  switch (operation.op) {
    case "add":
      return insert(document, operation.path, operation.value);
    case "remove":
      return remove(document, operation.path);
    case "replace":
      valueAt(document, operation.path);
      return write(document, parsePointer(operation.path), operation.value, "replace");
    case "move": {
      if (operation.path.startsWith(`${operation.from}/`))
        throw new PatchError("a value cannot move into itself");
      const moved = valueAt(document, operation.from);
      return insert(remove(document, operation.from), operation.path, moved);
    }
    case "copy":
      return insert(document, operation.path, valueAt(document, operation.from));
    case "test":
      if (!equal(valueAt(document, operation.path), operation.value))
        throw new PatchError("the value is another one");
      return document;
    default:
      return operation satisfies never;
  }
}

function insert(document: Json, path: string, value: Json): Json {
  const tokens = parsePointer(path);
  if (tokens.length + jsonDepth(value) > requestLimits.jsonDepth) {
    throw new PatchError(`the result would be nested deeper than ${requestLimits.jsonDepth}`);
  }
  return write(document, tokens, value, "insert");
}

/** RFC 6901: the tokens of a pointer; `""` is the whole document. */
function parsePointer(pointer: string): string[] {
  if (pointer === "") return [];
  if (!pointer.startsWith("/")) throw new PatchError(`"${pointer}" is no JSON Pointer: it starts with "/"`);
  return pointer
    .slice(1)
    .split("/")
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** The value a pointer names. @throws {PatchError} when there is none. */
function valueAt(document: Json, pointer: string): Json {
  let value = document;
  for (const token of parsePointer(pointer)) value = child(value, token);
  return value;
}

function child(parent: Json, token: string): Json {
  const found = isArray(parent)
    ? parent[arrayIndex(parent, token, parent.length - 1)]
    : isObject(parent) && Object.hasOwn(parent, token)
      ? parent[token]
      : undefined;
  if (found === undefined) throw new PatchError(`there is no "${token}"`);
  return found;
}

/** A copy of `document` with `value` at the place the tokens name; in an array, `insert` shifts what follows. */
function write(document: Json, tokens: readonly string[], value: Json, how: "insert" | "replace"): Json {
  const [token, ...rest] = tokens;
  if (token === undefined) return value;
  const next = rest.length === 0 ? value : write(child(document, token), rest, value, how);
  if (isArray(document)) {
    if (rest.length > 0 || how === "replace")
      return document.with(arrayIndex(document, token, document.length - 1), next);
    const at = token === "-" ? document.length : arrayIndex(document, token, document.length);
    return document.toSpliced(at, 0, next);
  }
  if (!isObject(document)) throw new PatchError(`"${token}" has no parent`);
  // A computed key makes an own member, also of "__proto__".
  return { ...document, [token]: next };
}

function remove(document: Json, pointer: string): Json {
  const tokens = parsePointer(pointer);
  const last = tokens.pop();
  if (last === undefined) throw new PatchError("the whole document cannot be removed");
  let parent = document;
  for (const token of tokens) parent = child(parent, token);
  child(parent, last);
  const left = isArray(parent)
    ? parent.toSpliced(Number(last), 1)
    : Object.fromEntries(Object.entries(parent as Members).filter(([name]) => name !== last));
  return write(document, tokens, left, "replace");
}

function arrayIndex(array: readonly Json[], token: string, highest: number): number {
  if (!/^(0|[1-9][0-9]{0,9})$/.test(token)) throw new PatchError(`"${token}" is no array index`);
  const index = Number(token);
  if (index > highest) throw new PatchError(`the array of ${array.length} has no place ${index}`);
  return index;
}

/** RFC 6902 4.6: equal as JSON values; the order of an object's members does not matter. */
function equal(left: Json, right: Json): boolean {
  if (isArray(left) || isArray(right)) {
    return (
      isArray(left) &&
      isArray(right) &&
      left.length === right.length &&
      left.every((item, i) => equal(item, right[i] ?? null))
    );
  }
  if (isObject(left) && isObject(right)) {
    const names = Object.keys(left);
    return (
      names.length === Object.keys(right).length &&
      names.every((name) => Object.hasOwn(right, name) && equal(left[name] ?? null, right[name] ?? null))
    );
  }
  return left === right;
}

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function isObject(value: Json): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
