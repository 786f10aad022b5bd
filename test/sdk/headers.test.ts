import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { openNodeAndPlugin } from "./node-and-plugin.ts";

const editing = `
const tried = (call) => { try { return call() ?? null; } catch (thrown) { return thrown instanceof TypeError ? "TypeError" : String(thrown); } };
export const run = (lists) => lists.map((edits) => {
  const headers = new Headers({ "X-B": " 2\\t", a: "1" });
  const answers = edits.map(([name, ...values]) => tried(() => headers[name](...values)));
  const seen = [];
  headers.forEach(function (value, name, all) { seen.push([value, name, all === headers, this.self]); }, { self: 1 });
  return [answers, [...headers], [...headers.keys()], [...headers.values()], [...headers.entries()], headers.getSetCookie(), seen];
});`;

const name = fc.constantFrom(
  "a",
  "A",
  "x-b",
  "X-B",
  "set-cookie",
  "Set-Cookie",
  "b!#$%&'*+-.^_`|~",
  "",
  "a b",
  "\u00e9",
  "a:",
);
const value = fc.constantFrom(
  "1",
  "",
  " spaced\t ",
  "a,b",
  "\u00ff",
  "\u0100",
  "in\nside",
  "\r\n",
  "nul\0",
  "\u007f\u0001",
);
const edit = fc.oneof(
  fc.tuple(fc.constantFrom("append", "set"), name, value),
  fc.tuple(fc.constantFrom("get", "has", "delete"), name),
);

test("Headers are edited and iterated as in Node", async (t) => {
  const { both } = await openNodeAndPlugin(t, editing);
  const lists = fc.array(fc.array(edit, { maxLength: 8 }), { minLength: 40, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(lists, async (edits) => {
      const { node, plugin } = await both(edits);
      assert.deepEqual(plugin, node);
    }),
    { numRuns: 15 },
  );
});

test("Headers are made of an object, pairs and other Headers, and of nothing else", async (t) => {
  const { both } = await openNodeAndPlugin(
    t,
    `const made = (init) => { try { return [...new Headers(init)]; } catch (thrown) { return thrown instanceof TypeError; } };
     export const run = (inits) => [...inits.map(made), made(undefined), made(new Headers([["a", "1"], ["A", "2"]])), made(new Map([["b", 1]]))];`,
  );
  const inits = [
    { B: 1, a: true },
    [
      ["set-cookie", "x"],
      ["set-cookie", "y"],
      ["a", "z"],
    ],
    [["a"]],
    [["a", "b", "c"]],
    {},
    [],
    null,
    5,
    "a",
  ];
  const { node, plugin } = await both(inits);
  assert.deepEqual(plugin, node);
});

test("an iterator of Headers follows what is changed meanwhile", async (t) => {
  const { both } = await openNodeAndPlugin(
    t,
    `export const run = () => {
       const headers = new Headers({ b: "1", d: "2" });
       const seen = [];
       for (const [name] of headers) { seen.push(name); if (name === "b") { headers.set("c", "3"); headers.delete("d"); } }
       return seen;
     };`,
  );
  const { node, plugin } = await both(null);
  assert.deepEqual(plugin, node);
  assert.deepEqual(plugin, ["b", "c"]);
});
