import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { applyPatch, type Patch, PatchError } from "#host/pipeline/json-patch.ts";
import type { Json } from "#sdk/abi/from-schema.ts";

const runs = { numRuns: 2_000, seed: 20_261_125 };

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
