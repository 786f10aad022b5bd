import assert from "node:assert/strict";
import { test } from "node:test";
import { openSources, withBody } from "./source-plugin.ts";

/** A hook's error and what follows it, as the operator reads it. */
for (const { title, before, body, error } of [
  {
    title: "in the handler",
    body: "\n  throw new TypeError('no');\n",
    error: /^TypeError: no\n {4}at preRequest \(plugin\.ts:8:13\)$/,
  },
  {
    title: "in a function that it calls, in another file",
    before: `import { fail } from "./lib/fail.ts";`,
    body: "return fail(1);",
    error:
      /^RangeError: 1\n {4}at inner \(lib\/fail\.ts:5:\d+\)\n {4}at fail \(lib\/fail\.ts:2:\d+\)\n {4}at preRequest \(plugin\.ts:7:\d+\)$/,
  },
  {
    title: "after an await",
    body: "return (async () => {\n await null;\n const nothing: any = undefined;\n return nothing.x;\n})();",
    error: /^TypeError: cannot read property 'x' of undefined\n {4}at .*\(?plugin\.ts:10:\d+\)?$/,
  },
  {
    title: "in a promise's callback",
    body: "return Promise.resolve(1).then(() => {\n  throw new Error('late');\n});",
    error: /^Error: late\n {4}at .*plugin\.ts:8:\d+\)?$/,
  },
  {
    title: "by the engine in its own function",
    body: "return JSON.parse('{');",
    error:
      /^SyntaxError: [^\n]+(\n[^\n]+)?\n {4}at parse \(native\)\n {4}at preRequest \(plugin\.ts:7:\d+\)$/,
  },
  {
    title: "with causes",
    body: "throw new Error('outer', { cause: new Error('inner', { cause: 'text' }) });",
    error:
      /^Error: outer\n {4}at preRequest \(.*\)\ncaused by Error: inner\n {4}at preRequest \(.*\)\ncaused by thrown: text$/,
  },
  { title: "of a text", body: "throw 'just text';", error: /^thrown: just text$/ },
  { title: "of an object", body: "throw { code: 5 };", error: /^thrown: \{"code":5\}$/ },
  { title: "of nothing", body: "throw undefined;", error: /^thrown: undefined$/ },
  { title: "of a symbol", body: "throw Symbol('s');", error: /^thrown: Symbol\(s\)$/ },
  {
    title: "of an error that contains itself",
    body: "const e: any = new Error('x'); e.cause = e; throw e;",
    error: /^Error: x\n/,
  },
  {
    title: "of an error whose members throw",
    body: "throw new Proxy(new Error('x'), { get() { throw 1; } });",
    error: /^(thrown: |the plugin failed, and its error could not be described)/,
  },
  {
    title: "of an object that cannot become a text",
    body: "throw { toString() { throw 1; }, toJSON() { throw 1; } };",
    error: /^(thrown: |the plugin failed, and its error could not be described)/,
  },
] as readonly { title: string; before?: string; body: string; error: RegExp }[]) {
  test(`a throw is told with its place in the TypeScript: ${title}`, async (t) => {
    const plugin = await openSources(t, {
      "plugin.ts": withBody(body, before),
      "lib/fail.ts":
        "export function fail(n: number): never {\n  return inner(n);\n}\nfunction inner(n: number): never {\n  throw new RangeError(String(n));\n}\n",
    });
    const result = await plugin.call("pre_request");
    assert.equal(result.outcome, "error");
    assert.match(result.error ?? "", error);
    assert.equal((await plugin.call("pre_request")).error, result.error);
  });
}

const configuring = (body: string) => `import { definePlugin } from "@sandgate/plugin-sdk";
export default definePlugin({
  name: "made", version: "1.0.0", hooks: { error: {} },
  configure(config: any, host) {
    ${body}
  },
  error() {},
});`;

test("an Error of configure is its message alone, for the operator", async (t) => {
  for (const body of [
    "throw new Error('limit is too high');",
    "return Promise.reject(new Error('limit is too high'));",
  ]) {
    const plugin = await openSources(t, configuring(body), { config: null });
    const { outcome, error } = await plugin.call("configure", {});
    assert.deepEqual([outcome, error], ["error", "limit is too high"]);
  }
});

test("a mistake in configure is told with its place", async (t) => {
  const plugin = await openSources(t, configuring("config.a.b.c;"), { config: null });
  const { error } = await plugin.call("configure", {});
  assert.match(error ?? "", /^TypeError: .*\n {4}at configure \(plugin\.ts:5:\d+\)$/);
});
