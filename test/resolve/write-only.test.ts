import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConfigPath } from "#config/schema.ts";
import { isWriteOnly } from "#host/resolve/write-only.ts";

const secret = { type: "string", writeOnly: true };

/** Of each schema: what is secret in it, and what is not. */
const schemas: readonly (readonly [string, object, readonly ConfigPath[], readonly ConfigPath[]])[] = [
  ["a member", { properties: { a: secret, b: {} } }, [["a"]], [["b"], ["c"]]],
  [
    "a member of a member",
    { properties: { a: { properties: { b: secret } } } },
    [["a", "b"]],
    [["a"], ["b"], ["a", "c"]],
  ],
  [
    "what is inside of one",
    { properties: { a: { writeOnly: true } } },
    [["a"], ["a", "b"], ["a", 0, "c"]],
    [["b"]],
  ],
  [
    "items",
    { properties: { a: { items: secret } } },
    [
      ["a", 0],
      ["a", 7],
    ],
    [["a"]],
  ],
  ["a position of a list", { properties: { a: { prefixItems: [{}, secret] } } }, [["a", 1]], [["b"]]],
  ["all others", { properties: { a: {} }, additionalProperties: secret }, [["z"]], []],
  ["names of a pattern", { patternProperties: { "^x": secret } }, [["x1"]], []],
  [
    "one branch of several",
    { anyOf: [{ properties: { a: {} } }, { properties: { a: secret } }] },
    [["a"]],
    [["b"]],
  ],
  ["a condition", { if: {}, else: { properties: { a: secret } } }, [["a"]], [["b"]]],
  [
    "a reference",
    { properties: { a: { $ref: "#/$defs/key" }, b: {} }, $defs: { key: secret } },
    [["a"]],
    [["b"]],
  ],
  [
    "a reference with escapes",
    { properties: { a: { $ref: "#/$defs/x~1y" } }, $defs: { "x/y": secret } },
    [["a"]],
    [],
  ],
  [
    "a schema that refers to itself",
    { properties: { key: secret, next: { $ref: "#" } } },
    [["key"], ["next", "key"], ["next", "next", "next", "key"]],
    [["next"], ["next", "other"]],
  ],
  ["a reference in a circle", { properties: { a: secret, b: { $ref: "#/properties/b" } } }, [["a"]], [["b"]]],
  [
    "what cannot be followed",
    { properties: { a: { $ref: "#key" }, b: {}, c: secret } },
    [["a"], ["c"]],
    [["b"]],
  ],
  [
    "a pointer with percent signs",
    { properties: { a: { $ref: "#/%zz" }, b: {}, c: secret } },
    [["a"]],
    [["b"]],
  ],
  ["a reference to nothing", { properties: { a: { $ref: "#/$defs/no" }, c: secret } }, [["a"]], [["b"]]],
  [
    "names of an object's own members",
    { properties: { a: secret } },
    [],
    [["toString"], ["constructor", "a"]],
  ],
  ["all of the config", { writeOnly: true }, [[], ["a"]], []],
  ["nothing", { properties: { a: { description: "write only", $ref: "#key" } } }, [], [["a"]]],
];

for (const [name, schema, secrets, shown] of schemas) {
  test(`a schema that marks ${name}`, () => {
    const isSecret = (path: ConfigPath) => isWriteOnly(schema as Record<string, unknown>, path);
    for (const path of secrets) assert.equal(isSecret(path), true, path.join("."));
    for (const path of shown) assert.equal(isSecret(path), false, path.join("."));
  });
}

test("a schema with more branches than can be followed hides everything", () => {
  const branches = Array.from({ length: 2_000 }, () => ({ properties: { b: {} } }));
  assert.equal(isWriteOnly({ anyOf: branches, $defs: { a: secret } }, ["b"]), true);
});
