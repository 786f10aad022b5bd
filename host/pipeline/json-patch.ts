import type { Effect } from "#sdk/abi/effects.ts";
import type { Json } from "#sdk/abi/from-schema.ts";
import { jsonDepth, printable } from "../json.ts";
import { patchLimits, requestLimits } from "../limits.ts";

export type Patch = Extract<Effect, { type: "patch-body" }>["patch"];
type Operation = Patch[number];
type Members = { readonly [name: string]: Json };

/** A patch that cannot be applied: which operation, and why. */
export class PatchError extends Error {}

/**
 * The document that `patch` (RFC 6902) makes of `document`. The original is not touched: what a patch
 * changes is copied along its path, so a patch that fails half-way leaves nothing behind.
 * Only own members are ever followed; `/toString/call` names nothing.
 * @throws {PatchError} when an operation has no target, a `test` fails, the result would be too deep or too
 *   large, or the patch takes too much work.
 * @param budget of the patches that are applied at a stretch, together.
 */
export function applyPatch(document: Json, patch: Patch, budget: PatchBudget = patchBudget()): Json {
  return patch.reduce<Json>((result, operation, index) => {
    try {
      return applyOperation(result, operation, budget);
    } catch (thrown) {
      if (!(thrown instanceof PatchError)) throw thrown;
      const path = printable(operation.path);
      throw new PatchError(`patch operation ${index} (${operation.op} ${path}): ${thrown.message}`);
    }
  }, document);
}

/** What is left of the limits. A plugin chooses the patch and a client the body: their product has to be bounded. */
export type PatchBudget = { work: number; copied: number };

export function patchBudget(): PatchBudget {
  return { work: patchLimits.work, copied: patchLimits.copiedChars };
}

function spendWork(budget: PatchBudget, members: number): void {
  budget.work -= members;
  if (budget.work < 0) throw new PatchError("the patch goes over too many members of the document");
}

/** Of a value that is walked as a whole. Copies of copies double; what they add up to is bounded, not their number. */
function spendCopy(budget: PatchBudget, value: Json): void {
  requireDepth(0, value);
  budget.copied -= JSON.stringify(value).length;
  if (budget.copied < 0) throw new PatchError("the values that it copies and moves are too large together");
}

function applyOperation(document: Json, operation: Operation, budget: PatchBudget): Json {
  const path = parsePointer(operation.path);
  switch (operation.op) {
    case "add":
      requireDepth(path.length, operation.value);
      return write(document, path, { value: operation.value, how: "insert", budget });
    case "remove":
      return remove(document, path, budget);
    case "replace":
      requireDepth(path.length, operation.value);
      valueAt(document, path);
      return write(document, path, { value: operation.value, how: "replace", budget });
    case "copy": {
      const value = valueAt(document, parsePointer(operation.from));
      spendCopy(budget, value);
      requireDepth(path.length, value);
      return write(document, path, { value, how: "insert", budget });
    }
    case "move": {
      const from = parsePointer(operation.from);
      const value = valueAt(document, from);
      if (operation.path === operation.from) return document;
      if (operation.path.startsWith(`${operation.from}/`))
        throw new PatchError("a value cannot move into itself");
      if (path.length > from.length) {
        spendCopy(budget, value);
        requireDepth(path.length, value);
      }
      return write(remove(document, from, budget), path, { value, how: "insert", budget });
    }
    case "test":
      requireDepth(0, operation.value);
      if (!equal(valueAt(document, path), operation.value, budget))
        throw new PatchError("the value is another one");
      return document;
    default:
      return operation satisfies never;
  }
}

function requireDepth(levels: number, value: Json): void {
  if (levels + jsonDepth(value) > requestLimits.jsonDepth)
    throw new PatchError(`nested deeper than ${requestLimits.jsonDepth} levels`);
}

/** The tokens of a pointer (RFC 6901); `""` is the whole document. */
function parsePointer(pointer: string): string[] {
  if (pointer === "") return [];
  if (!pointer.startsWith("/") || /~(?![01])/.test(pointer))
    throw new PatchError(`"${printable(pointer)}" is no JSON Pointer`);
  const tokens = pointer.slice(1).split("/");
  if (tokens.length > requestLimits.jsonDepth)
    throw new PatchError(`nested deeper than ${requestLimits.jsonDepth} levels`);
  return tokens.map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** The value that tokens name. @throws {PatchError} when there is none. */
function valueAt(document: Json, tokens: readonly string[]): Json {
  return tokens.reduce(child, document);
}

function child(parent: Json, token: string): Json {
  const found = isArray(parent)
    ? parent[arrayIndex(parent, token, parent.length - 1)]
    : isObject(parent) && Object.hasOwn(parent, token)
      ? parent[token]
      : undefined;
  if (found === undefined) throw new PatchError(`there is no "${printable(token)}"`);
  return found;
}

type Writing = { readonly value: Json; readonly how: "insert" | "replace"; readonly budget: PatchBudget };

/** A copy of `document` with the value at the place the tokens name; in an array, `insert` shifts what follows. */
function write(document: Json, tokens: readonly string[], writing: Writing): Json {
  const [token, ...rest] = tokens;
  if (token === undefined) return writing.value;
  const next = rest.length === 0 ? writing.value : write(child(document, token), rest, writing);
  spendWork(writing.budget, costOf(document));
  if (isArray(document)) {
    if (rest.length > 0 || writing.how === "replace")
      return document.with(arrayIndex(document, token, document.length - 1), next);
    const at = token === "-" ? document.length : arrayIndex(document, token, document.length);
    return document.toSpliced(at, 0, next);
  }
  if (!isObject(document)) throw new PatchError(`"${printable(token)}" has no parent`);
  // A computed key makes an own member, also of "__proto__".
  return { ...document, [token]: next };
}

function remove(document: Json, tokens: readonly string[], budget: PatchBudget): Json {
  const last = tokens.at(-1);
  if (last === undefined) throw new PatchError("the whole document cannot be removed");
  const parents = tokens.slice(0, -1);
  const parent = valueAt(document, parents);
  child(parent, last);
  spendWork(budget, costOf(parent));
  const left = isArray(parent)
    ? parent.toSpliced(Number(last), 1)
    : Object.fromEntries(Object.entries(parent as Members).filter(([name]) => name !== last));
  return write(document, parents, { value: left, how: "replace", budget });
}

function arrayIndex(array: readonly Json[], token: string, highest: number): number {
  if (!/^(0|[1-9][0-9]{0,9})$/.test(token)) throw new PatchError(`"${printable(token)}" is no array index`);
  const index = Number(token);
  if (index > highest) throw new PatchError(`the array of ${array.length} has no place ${index}`);
  return index;
}

/** RFC 6902 4.6: equal as JSON values; the order of an object's members does not matter. */
function equal(left: Json, right: Json, budget: PatchBudget): boolean {
  spendWork(budget, costOf(left));
  if (isArray(left) || isArray(right)) {
    return (
      isArray(left) &&
      isArray(right) &&
      left.length === right.length &&
      left.every((item, i) => equal(item, right[i] ?? null, budget))
    );
  }
  if (isObject(left) && isObject(right)) {
    const names = Object.keys(left);
    return (
      names.length === Object.keys(right).length &&
      names.every(
        (name) => Object.hasOwn(right, name) && equal(left[name] ?? null, right[name] ?? null, budget),
      )
    );
  }
  return left === right;
}

/** Of copying or listing the members. V8 keeps a large object as a hash table: from some 130 members on each takes 200 ns to copy, in an array 5. */
function costOf(value: Json): number {
  if (isArray(value)) return value.length;
  const members = isObject(value) ? Object.keys(value).length : 0;
  if (members > 1_000) return members * 100;
  return members > 128 ? members * 50 : members + 1;
}

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function isObject(value: Json): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
