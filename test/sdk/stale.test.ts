import assert from "node:assert/strict";
import { rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { compilePlugin } from "#sdk/compile/compile-plugin.ts";
import { isStale } from "#sdk/compile/stale.ts";
import { engineFile } from "#sdk/engine/engine.ts";
import { withBody, writeSources } from "./source-plugin.ts";

/** A plugin with every kind of file that can go into it, built; every file is a minute old. */
async function openBuilt(t: TestContext) {
  const folder = await writeSources(t, {
    "plugin.ts": withBody(
      "return [part, Limit.Most, data.four, three] as never;",
      `import data from "./data.json";
import type { Only } from "./only-types.ts";
import { part } from "./lib/part.ts";
import { Limit } from "./limit.ts";
import three from "three";
const only: Only = 1;`,
    ),
    "only-types.ts": "export type Only = number;",
    "lib/part.ts": "\ufeffexport const part = 'é';",
    // The bundler puts its values in where they are used, and nothing of the file remains.
    "limit.ts": "export enum Limit { Most = 5 }",
    "data.json": '{ "four": 4 }',
    "node_modules/three/package.json": '{ "name": "three", "main": "main.js" }',
    "node_modules/three/main.js": "module.exports = 3;",
    "unrelated.ts": "",
  });
  const inputs = ["plugin.ts", "lib/part.ts", "limit.ts", "data.json", "node_modules/three/main.js"];
  const target = { entry: join(folder, "plugin.ts"), output: join(folder, "plugin.wasm") };
  for (const name of [...inputs, "only-types.ts", "unrelated.ts"]) await age(join(folder, name), 60);
  await writeFile(target.output, (await compilePlugin(target.entry)).wasm);
  return { inputs, target, pathOf: (name: string) => join(folder, name) };
}

/** Sets when a file was last written, in seconds before now. */
async function age(file: string, seconds: number): Promise<void> {
  const time = Date.now() / 1000 - seconds;
  await utimes(file, time, time);
}

test("a module is not stale while all that went in is older", async (t) => {
  const { target, pathOf } = await openBuilt(t);
  assert.equal(await isStale(target), false);
  for (const name of ["unrelated.ts", "only-types.ts"]) {
    await age(pathOf(name), -60);
    assert.equal(await isStale(target), false, name);
  }
});

test("a module is stale when one file that went in is newer", async (t) => {
  const { target, inputs, pathOf } = await openBuilt(t);
  for (const name of inputs) {
    await age(pathOf(name), -60);
    assert.equal(await isStale(target), true, name);
    await age(pathOf(name), 60);
    assert.equal(await isStale(target), false, name);
  }
});

test("a module is stale when a file that went in is another one of an old date, as packages have", async (t) => {
  const { target, inputs, pathOf } = await openBuilt(t);
  for (const name of inputs) {
    const { size } = await stat(pathOf(name));
    await writeFile(pathOf(name), " ".repeat(size + 1));
    await utimes(pathOf(name), new Date("1985-10-26"), new Date("1985-10-26"));
    assert.equal(await isStale(target), true, name);
    await writeFile(pathOf(name), " ".repeat(size));
    await age(pathOf(name), 60);
    assert.equal(await isStale(target), false, name);
  }
});

test("a module is stale when a file that went in is gone, when it is gone itself, or of another compiler", async (t) => {
  const { target, pathOf } = await openBuilt(t);
  await writeFile(target.output, "\0asm\x01\0\0\0");
  assert.equal(await isStale(target), true, "another compiler");
  await writeFile(target.output, "");
  assert.equal(await isStale(target), true, "empty");
  await rm(target.output);
  assert.equal(await isStale(target), true, "gone");
  await writeFile(target.output, (await compilePlugin(target.entry)).wasm);
  assert.equal(await isStale(target), false);
  await rm(pathOf("lib/part.ts"));
  assert.equal(await isStale(target), true);
});

test("a module is stale when the engine is newer", async (t) => {
  const { target, inputs, pathOf } = await openBuilt(t);
  const built = (await stat(engineFile)).mtimeMs / 1000;
  for (const name of inputs) await utimes(pathOf(name), built - 100, built - 100);
  await utimes(target.output, built - 1, built - 1);
  assert.equal(await isStale(target), true);
});
