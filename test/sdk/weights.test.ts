import assert from "node:assert/strict";
import { test } from "node:test";
import { weightText } from "#sdk/compile/weights.ts";
import { compileSources } from "./source-plugin.ts";

const packageOf = (name: string, code: string) => ({
  [`node_modules/${name}/package.json`]: JSON.stringify({ name, version: "1.0.0", main: "index.js" }),
  [`node_modules/${name}/index.js`]: code,
});

test("what a bundle consists of is told by package, the largest first, with who imports it", async (t) => {
  const { weights } = await compileSources(t, {
    "plugin.ts":
      'import { deep } from "./deep.ts"; import { far } from "@scope/far"; export function run() { return deep + far.length; }',
    "deep.ts": 'import { small } from "small"; export const deep = small;',
    ...packageOf("small", `export const small = ${JSON.stringify("s".repeat(2_000))};`),
    ...packageOf("@scope/far", 'export { large as far } from "large";'),
    ...packageOf("large", `export const large = ${JSON.stringify("l".repeat(5_000))};`),
  });
  assert.deepEqual(weights.map(weightText), [
    "large: 5 KiB of code, imported by node_modules/@scope/far/index.js, imported by plugin.ts",
    "small: 2 KiB of code, imported by deep.ts, imported by plugin.ts",
    "the plugin's own files: 1 KiB of code",
  ]);
});

test("a plugin that imports nothing but the SDK has its own files alone", async (t) => {
  const { weights } = await compileSources(
    t,
    "console.log(new TextEncoder().encode('a')); export function run() {}",
  );
  assert.deepEqual(
    weights.map(({ package: name }) => name),
    [null],
  );
});
