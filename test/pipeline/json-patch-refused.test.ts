import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonDepth } from "#host/json.ts";
import { patchLimits, requestLimits } from "#host/limits.ts";
import { applyPatch, type Patch, PatchError } from "#host/pipeline/json-patch.ts";
import type { Json } from "#sdk/abi/from-schema.ts";

const nested = (levels: number): Json => {
  let value: Json = 1;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
};
const { jsonDepth: deepest } = requestLimits;
const wide: Json = Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`k${index}`, 0]));

type Refused = {
  readonly name: string;
  readonly from?: Json;
  readonly patch: Patch;
  readonly reason: string | RegExp;
};

const refused: readonly Refused[] = [
  {
    name: "test: another value (A.9)",
    patch: [{ op: "test", path: "/model", value: "b" }],
    reason: "patch operation 0 (test /model): the value is another one",
  },
  {
    name: "test: a text is no number (A.15)",
    from: { "~1": 10 },
    patch: [{ op: "test", path: "/~01", value: "10" }],
    reason: /another one/,
  },
  {
    name: "test: a list is no object",
    patch: [{ op: "test", path: "/stop", value: { 0: "x" } }],
    reason: /another one/,
  },
  {
    name: "test: __proto__ does not stand for a missing member",
    from: { a: { b: 1 } },
    patch: [{ op: "test", path: "/a", value: JSON.parse('{"__proto__":1}') }],
    reason: /another one/,
  },
  {
    name: "test: inherited members are not there",
    from: {},
    patch: [{ op: "test", path: "/toString", value: null }],
    reason: 'patch operation 0 (test /toString): there is no "toString"',
  },
  {
    name: "add: without a parent (A.12)",
    patch: [{ op: "add", path: "/a/b", value: 1 }],
    reason: 'patch operation 0 (add /a/b): there is no "a"',
  },
  {
    name: "add: into a text",
    patch: [{ op: "add", path: "/model/b", value: 1 }],
    reason: 'patch operation 0 (add /model/b): "b" has no parent',
  },
  {
    name: "add: past the end",
    patch: [{ op: "add", path: "/stop/2", value: 1 }],
    reason: "patch operation 0 (add /stop/2): the array of 1 has no place 2",
  },
  ...["-", "01", "1e0", "-0", "0x0", " 0", "length", "", "99999999999999999999"].map((token) => ({
    name: `"${token}" names no item that is there`,
    patch: [{ op: "replace" as const, path: `/stop/${token}`, value: 1 }],
    reason: `patch operation 0 (replace /stop/${token}): "${token}" is no array index`,
  })),
  {
    name: "replace: what is not there",
    patch: [{ op: "replace", path: "/n", value: 1 }],
    reason: 'patch operation 0 (replace /n): there is no "n"',
  },
  {
    name: "remove: what is not there, after an operation that went well",
    patch: [
      { op: "remove", path: "/model" },
      { op: "remove", path: "/model" },
    ],
    reason: 'patch operation 1 (remove /model): there is no "model"',
  },
  {
    name: "remove: the whole document",
    patch: [{ op: "remove", path: "" }],
    reason: "patch operation 0 (remove ): the whole document cannot be removed",
  },
  {
    name: "move: into itself",
    from: { a: { b: 1 } },
    patch: [{ op: "move", from: "/a", path: "/a/b" }],
    reason: "patch operation 0 (move /a/b): a value cannot move into itself",
  },
  {
    name: "move: what is not there, to its own place",
    patch: [{ op: "move", from: "/n", path: "/n" }],
    reason: 'patch operation 0 (move /n): there is no "n"',
  },
  ...["model", "#/model", "/~", "/~2", "/a~/b", "~0"].map((path) => ({
    name: `"${path}" is no pointer`,
    patch: [{ op: "remove" as const, path }],
    reason: `patch operation 0 (remove ${path}): "${path}" is no JSON Pointer`,
  })),
  {
    name: "a message is one short line, whatever the pointer",
    patch: [{ op: "remove", path: `/a\n\u001b[2J${"b".repeat(100_000)}` }],
    reason: /^patch operation 0 \(remove \/a \[2Jb{290,300}\): there is no "a \[2Jb{290,300}"$/,
  },
  {
    name: "add: a value that is nested too deep",
    patch: [{ op: "add", path: "/a", value: nested(deepest) }],
    reason: `patch operation 0 (add /a): nested deeper than ${deepest} levels`,
  },
  {
    name: "replace: a value that is nested too deep",
    patch: [{ op: "replace", path: "/model", value: nested(deepest) }],
    reason: /nested deeper/,
  },
  {
    name: "replace: the document by one that would overflow any stack",
    patch: [{ op: "replace", path: "", value: nested(100_000) }],
    reason: /nested deeper/,
  },
  {
    name: "test: against a value that would overflow any stack",
    from: nested(100_000),
    patch: [{ op: "test", path: "", value: nested(100_000) }],
    reason: /nested deeper/,
  },
  {
    name: "copy: out of a document that would overflow any stack",
    from: nested(100_000),
    patch: [{ op: "copy", from: "", path: "/1" }],
    reason: /nested deeper/,
  },
  {
    name: "a pointer of more levels than a document may have",
    from: nested(100_000),
    patch: [{ op: "remove", path: "/0".repeat(50_000) }],
    reason: /nested deeper/,
  },
  {
    name: "copies that each go one level deeper",
    from: { a: {} },
    patch: Array.from({ length: 300 }, () => ({ op: "copy" as const, from: "", path: "/a" })),
    reason: /^patch operation 254 \(copy \/a\): nested deeper/,
  },
  {
    name: "moves that each go one level deeper",
    from: { a: nested(deepest - 1), b: [[]] },
    patch: [{ op: "move", from: "/a", path: "/b/0/-" }],
    reason: /nested deeper/,
  },
  {
    name: "copies that double the document each time",
    from: { a: "x".repeat(1_000) },
    patch: Array.from({ length: 60 }, (_, index) => ({ op: "copy" as const, from: "", path: `/${index}` })),
    reason: /^patch operation 14 \(copy \/14\): the values that it copies and moves are too large together$/,
  },
  {
    name: "many operations on a long array",
    from: Array.from({ length: 1_000_000 }, () => 0),
    patch: Array.from({ length: 20_000 }, () => ({ op: "add" as const, path: "/0", value: 1 })),
    reason: /^patch operation 9 \(add \/0\): the patch goes over too many members/,
  },
  {
    name: "many comparisons with a wide object",
    from: { wide },
    patch: Array.from({ length: 20_000 }, () => ({ op: "test" as const, path: "/wide", value: wide })),
    reason: /the patch goes over too many members/,
  },
];

for (const { name, from = { model: "a", stop: ["x"] }, patch, reason } of refused) {
  test(`refused: ${name}`, () => {
    assert.throws(
      () => applyPatch(from, patch),
      (thrown) => {
        assert.ok(thrown instanceof PatchError);
        if (typeof reason === "string") assert.equal(thrown.message, reason);
        else assert.match(thrown.message, reason);
        return true;
      },
    );
  });
}

test("what is as deep, as large and as long as it may be is patched", () => {
  const value = nested(deepest - 1);
  const deep = applyPatch({}, [
    { op: "add", path: "/a", value },
    { op: "replace", path: "/a", value },
    { op: "move", from: "/a", path: "/b" },
  ]);
  assert.equal(jsonDepth(deep), deepest);
  const innermost = applyPatch(nested(deepest), [{ op: "replace", path: "/0".repeat(deepest), value: 2 }]);
  assert.equal(JSON.stringify(innermost), `${"[".repeat(deepest)}2${"]".repeat(deepest)}`);
  const text = "x".repeat(patchLimits.copiedChars - 2);
  assert.deepEqual(applyPatch([text], [{ op: "copy", from: "/0", path: "/-" }]), [text, text]);
  const messages = Array.from({ length: 100 }, (_, index) => ({
    op: "add" as const,
    path: "/-",
    value: index,
  }));
  assert.equal((applyPatch(Array(50_000).fill(0), messages) as Json[]).length, 50_100);
});
