import assert from "node:assert/strict";
import { test } from "node:test";
import { applyPatch, type Patch } from "#host/pipeline/json-patch.ts";
import type { Json } from "#sdk/abi/from-schema.ts";

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
