import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { jsonDepth } from "#host/json.ts";
import { patchLimits, requestLimits } from "#host/limits.ts";
import { applyPatch, type Patch, PatchError } from "#host/pipeline/json-patch.ts";
import type { Json } from "#sdk/abi/from-schema.ts";

const runs = { numRuns: 2_000, seed: 20_261_125 };

/** `JSON.parse`, because in a literal `__proto__` is no member. */
const json = (text: string): Json => JSON.parse(text) as Json;

type Applied = { readonly name: string; readonly from: string; readonly patch: Patch; readonly to: string };

const applied: readonly Applied[] = [
  // The cases of RFC 6902, appendix A, and of its section 4.
  {
    name: "add: a member (A.1)",
    from: '{"model":"a"}',
    patch: [{ op: "add", path: "/n", value: 2 }],
    to: '{"model":"a","n":2}',
  },
  {
    name: "add: an item before another (A.2)",
    from: '{"stop":["x","z"]}',
    patch: [{ op: "add", path: "/stop/1", value: "y" }],
    to: '{"stop":["x","y","z"]}',
  },
  {
    name: "add: an item at the index after the last",
    from: '{"stop":["x"]}',
    patch: [{ op: "add", path: "/stop/1", value: "y" }],
    to: '{"stop":["x","y"]}',
  },
  {
    name: "add: over a member that is there",
    from: '{"n":1,"m":0}',
    patch: [{ op: "add", path: "/n", value: 2 }],
    to: '{"n":2,"m":0}',
  },
  {
    name: "add: over the whole document",
    from: '{"n":1}',
    patch: [{ op: "add", path: "", value: [1] }],
    to: "[1]",
  },
  {
    name: "add: an object into an object (A.10)",
    from: '{"model":"a"}',
    patch: [{ op: "add", path: "/metadata", value: { team: { id: 7 } } }],
    to: '{"model":"a","metadata":{"team":{"id":7}}}',
  },
  {
    name: "add: an array as one item at the end (A.16)",
    from: '{"stop":["x"]}',
    patch: [{ op: "add", path: "/stop/-", value: ["y", "z"] }],
    to: '{"stop":["x",["y","z"]]}',
  },
  {
    name: "remove: a member (A.3)",
    from: '{"n":2,"model":"a"}',
    patch: [{ op: "remove", path: "/n" }],
    to: '{"model":"a"}',
  },
  {
    name: "remove: an item (A.4)",
    from: '{"stop":["x","y","z"]}',
    patch: [{ op: "remove", path: "/stop/1" }],
    to: '{"stop":["x","z"]}',
  },
  {
    name: "replace: a member, in its place (A.5)",
    from: '{"n":2,"model":"a"}',
    patch: [{ op: "replace", path: "/n", value: { max: 3 } }],
    to: '{"n":{"max":3},"model":"a"}',
  },
  {
    name: "replace: an item",
    from: '["x","y"]',
    patch: [{ op: "replace", path: "/1", value: null }],
    to: '["x",null]',
  },
  {
    name: "replace: the whole document",
    from: "3",
    patch: [{ op: "replace", path: "", value: {} }],
    to: "{}",
  },
  {
    name: "move: a member into another object (A.6)",
    from: '{"a":{"x":1,"y":2},"b":{"z":3}}',
    patch: [{ op: "move", from: "/a/x", path: "/b/x" }],
    to: '{"a":{"y":2},"b":{"z":3,"x":1}}',
  },
  {
    name: "move: an item, to an index of the array without it (A.7)",
    from: '["a","b","c","d"]',
    patch: [{ op: "move", from: "/1", path: "/3" }],
    to: '["a","c","d","b"]',
  },
  {
    name: "move: a value to its own place changes nothing",
    from: '{"a":{"b":1}}',
    patch: [
      { op: "move", from: "/a", path: "/a" },
      { op: "move", from: "", path: "" },
    ],
    to: '{"a":{"b":1}}',
  },
  {
    name: "move: to a name that only begins the same",
    from: '{"a":1}',
    patch: [{ op: "move", from: "/a", path: "/ab" }],
    to: '{"ab":1}',
  },
  {
    name: "move: up, over its own parent",
    from: '{"a":{"b":{"c":1}}}',
    patch: [{ op: "move", from: "/a/b", path: "/a" }],
    to: '{"a":{"c":1}}',
  },
  {
    name: "copy: a member, which stays",
    from: '{"a":{"b":1}}',
    patch: [
      { op: "copy", from: "/a", path: "/c" },
      { op: "add", path: "/c/b", value: 2 },
    ],
    to: '{"a":{"b":1},"c":{"b":2}}',
  },
  {
    name: "copy: the document into itself",
    from: '{"a":1}',
    patch: [{ op: "copy", from: "", path: "/b" }],
    to: '{"a":1,"b":{"a":1}}',
  },
  {
    name: "test: equal values (A.8)",
    from: '{"model":"a","stop":["x",2,"z"]}',
    patch: [
      { op: "test", path: "/model", value: "a" },
      { op: "test", path: "/stop/1", value: 2 },
      { op: "test", path: "/stop", value: ["x", 2, "z"] },
    ],
    to: '{"model":"a","stop":["x",2,"z"]}',
  },
  {
    name: "test: the order of members does not count",
    from: '{"a":{"b":null,"c":[{"d":1,"e":2}]}}',
    patch: [{ op: "test", path: "/a", value: { c: [{ e: 2, d: 1 }], b: null } }],
    to: '{"a":{"b":null,"c":[{"d":1,"e":2}]}}',
  },
  {
    name: "pointers: ~01 is ~1 and no slash (A.14)",
    from: '{"/":9,"~1":10}',
    patch: [
      { op: "test", path: "/~01", value: 10 },
      { op: "test", path: "/~1", value: 9 },
    ],
    to: '{"/":9,"~1":10}',
  },
  {
    name: "pointers: empty names, spaces and numbers are names in an object",
    from: '{"":{"":1}," ":2}',
    patch: [
      { op: "replace", path: "//", value: 3 },
      { op: "remove", path: "/ " },
      { op: "add", path: "/-", value: 4 },
      { op: "add", path: "/01", value: 5 },
    ],
    to: '{"":{"":3},"-":4,"01":5}',
  },
  { name: "nothing to do", from: '{"a":1}', patch: [], to: '{"a":1}' },
  // Names that plain objects inherit.
  {
    name: "__proto__ is a member like any other",
    from: '{"a":{"x":1}}',
    patch: [
      { op: "add", path: "/__proto__", value: { admin: true } },
      { op: "test", path: "/__proto__/admin", value: true },
      { op: "add", path: "/__proto__/more", value: 1 },
      { op: "copy", from: "/a", path: "/__proto__/b" },
      { op: "remove", path: "/__proto__/more" },
      { op: "add", path: "/a/constructor", value: { prototype: 1 } },
    ],
    to: '{"a":{"x":1,"constructor":{"prototype":1}},"__proto__":{"admin":true,"b":{"x":1}}}',
  },
  {
    name: "a __proto__ that came with the document stays a member",
    from: '{"__proto__":{"x":1},"a":1}',
    patch: [{ op: "remove", path: "/a" }],
    to: '{"__proto__":{"x":1}}',
  },
];

for (const { name, from, patch, to } of applied) {
  test(name, () => {
    // As text, because a comparison of objects would take a changed prototype for a member.
    assert.equal(JSON.stringify(applyPatch(json(from), patch)), to);
    assert.equal(({} as { admin?: boolean }).admin, undefined);
  });
}

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
    patch: [{ op: "test", path: "/a", value: json('{"__proto__":1}') }],
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

const anyName = fc.constantFrom(
  "a",
  "b",
  "",
  "0",
  "1",
  "-",
  "~",
  "/",
  "__proto__",
  "constructor",
  "é\u{1f600}",
);
const anyDocument = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom<Json>(null, true, 0, 1.5, "", "a", "\ud800"),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.array(fc.tuple(anyName, tie("value")), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
  ),
})).value;

const pointerOf = (tokens: readonly string[]) =>
  tokens.map((token) => `/${token.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
const anyPointer = fc.oneof(
  { weight: 6, arbitrary: fc.array(anyName, { maxLength: 3 }).map(pointerOf) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 8 }) },
);
const anyOperation: fc.Arbitrary<Patch[number]> = fc.oneof(
  fc.record({ op: fc.constantFrom("add", "replace", "test"), path: anyPointer, value: anyDocument }),
  fc.record({ op: fc.constant("remove"), path: anyPointer }),
  fc.record({ op: fc.constantFrom("move", "copy"), from: anyPointer, path: anyPointer }),
);

test("whatever document meets whatever patch, there is a JSON value or a PatchError, and the document is as it was", () => {
  let patched = 0;
  fc.assert(
    fc.property(anyDocument, fc.array(anyOperation, { maxLength: 4 }), (document, patch) => {
      const before = JSON.stringify(document);
      const patchBefore = JSON.stringify(patch);
      try {
        const result = applyPatch(deepFrozen(document), deepFrozen(patch) as Patch);
        assert.deepEqual(JSON.parse(JSON.stringify(result)), result);
        patched += 1;
      } catch (thrown) {
        assert.ok(thrown instanceof PatchError, String(thrown));
      }
      assert.equal(JSON.stringify(document), before);
      assert.equal(JSON.stringify(patch), patchBefore);
      assert.deepEqual(Object.keys(Object.prototype), []);
    }),
    runs,
  );
  assert.ok(patched > runs.numRuns / 10, `${patched} patches could be applied`);
});

test("what is added can be tested and removed again, whatever its name", () => {
  fc.assert(
    fc.property(anyDocument, anyName, anyDocument, (value, name, other) => {
      const document = { kept: other };
      const path = pointerOf([name]);
      const after = applyPatch(document, [
        { op: "add", path, value },
        { op: "test", path, value },
        { op: "remove", path },
      ]);
      assert.equal(JSON.stringify(after), JSON.stringify(document));
    }),
    runs,
  );
});

test("move is remove and then add", () => {
  let moved = 0;
  fc.assert(
    fc.property(anyDocument, anyName, anyPointer, (document, name, path) => {
      const from = pointerOf([name]);
      fc.pre(!path.startsWith(`${from}/`) && isRecord(document) && Object.hasOwn(document, name));
      const outcome = (patch: Patch) => {
        try {
          return JSON.stringify(applyPatch(document, patch));
        } catch (thrown) {
          assert.ok(thrown instanceof PatchError);
          return "refused";
        }
      };
      const value = document[name] ?? null;
      const apart = outcome([
        { op: "remove", path: from },
        { op: "add", path, value },
      ]);
      if (path === from) return;
      if (apart !== "refused") moved += 1;
      assert.equal(outcome([{ op: "move", from, path }]), apart);
    }),
    { ...runs, numRuns: 500 },
  );
  assert.ok(moved > 50, `${moved} values moved`);
});

function isRecord(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function deepFrozen<Value>(value: Value): Value {
  if (typeof value !== "object" || value === null) return value;
  for (const inner of Object.values(value)) deepFrozen(inner);
  return Object.freeze(value);
}
