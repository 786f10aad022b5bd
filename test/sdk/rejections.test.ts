import assert from "node:assert/strict";
import { test } from "node:test";
import { textOf } from "#test/sandbox/fixture.ts";
import { openSources, withBody } from "./source-plugin.ts";

const fails = "const fails = async (message) => { throw new Error(message); };";

test("a rejected promise that nobody awaits is a warning, with where it was thrown", async (t) => {
  const plugin = await openSources(
    t,
    `${fails}\nexport async function run() { fails("lost"); Host.outputString("done"); }`,
  );
  for (let call = 0; call < 2; call++) assert.equal(textOf(await plugin.call("run")), "done");
  const line = {
    level: "warn",
    text: "a promise was rejected and nobody waits for it: Error: lost\\n    at fails (plugin.ts:1:52)\\n    at run (plugin.ts:2:35)",
    requestId: null,
  };
  assert.deepEqual(plugin.log, [line, line]);
});

/** Bodies of a function, and the reasons of the warnings after it. */
const cases: Readonly<Record<string, readonly [body: string, warnings: readonly string[]]>> = {
  "awaited at once": ["try { await fails('a'); } catch {}", []],
  "awaited later": ["const one = fails('a'); await null; try { await one; } catch {}", []],
  "caught later": ["const one = fails('a'); await null; await null; one.catch(() => {});", []],
  "several, one of them caught": [
    "fails('a'); const two = fails('b'); fails('c'); await null; two.catch(() => {});",
    ["Error: a", "Error: c"],
  ],
  "handed on by then, once": ["fails('a').then((value) => value).finally(() => {});", ["Error: a"]],
  "one of Promise.all": ["try { await Promise.all([fails('a'), fails('b')]); } catch {}", []],
  "no error at all": [
    "Promise.reject(undefined); Promise.reject({ a: 1 });",
    ["thrown: undefined", 'thrown: {"a":1}'],
  ],
  "one that cannot be described": [
    "Promise.reject({ toJSON() { throw 1; }, toString() { throw 2; } }); Promise.reject(3);",
    ["thrown: 3"],
  ],
  "one that rejects others while it is described": [
    "Promise.reject({ toJSON() { Promise.reject(this); return 'x'; } });",
    ['thrown: "x"'],
  ],
  "in a job that comes late": ["queueMicrotask(() => queueMicrotask(() => { fails('a'); }));", ["Error: a"]],
};

test("what counts as awaited by nobody:", async (t) => {
  const functions = Object.values(cases).map(
    ([body], index) => `export async function f${index}() { ${body} }`,
  );
  const plugin = await openSources(t, [fails, ...functions].join("\n"));
  let before = 0;
  for (const [index, [name, [, warnings]]] of Object.entries(cases).entries()) {
    await t.test(name, async () => {
      const { outcome, error } = await plugin.call(`f${index}`);
      assert.deepEqual([outcome, error], ["ok", null]);
      const lines = plugin.log.slice(before).map(({ text }) => text.split("\\n")[0]);
      before = plugin.log.length;
      assert.deepEqual(
        lines,
        warnings.map((reason) => `a promise was rejected and nobody waits for it: ${reason}`),
      );
    });
  }
});

test("the promise that a handler returns is the call's error, and no warning; other rejections are told beside it", async (t) => {
  const plugin = await openSources(
    t,
    withBody(
      `${fails.replace("message", "message: string")}
       if (input.also) fails("beside");
       if (input.sync) throw new Error("thrown");
       return fails("returned") as any;`,
    ),
  );
  const endings: unknown[] = [];
  for (const input of [{}, { also: true }, { also: true, sync: true }]) {
    const from = plugin.log.length;
    const { outcome, error } = await plugin.call("pre_request", input);
    endings.push([
      outcome,
      error?.split("\n")[0],
      plugin.log.slice(from).map(({ text }) => text.split("\\n")[0]),
    ]);
  }
  const beside = "a promise was rejected and nobody waits for it: Error: beside";
  assert.deepEqual(endings, [
    ["error", "Error: returned", []],
    ["error", "Error: returned", [beside]],
    ["error", "Error: thrown", [beside]],
  ]);
});
