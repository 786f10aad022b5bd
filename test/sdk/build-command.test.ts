import assert from "node:assert/strict";
import { access, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { engineFile } from "#sdk/engine/engine.ts";
import { type Ended, runCommand } from "../cli/command.ts";
import { withBody, writeSources } from "./source-plugin.ts";

const good = withBody("return [];");

function build(cwd: string, ...args: string[]): Promise<Ended> {
  return runCommand(["plugin", "build", ...args], { cwd });
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** Sets when a file was last written, in minutes from now: on a busy machine a build takes seconds. */
async function age(file: string, minutes: number): Promise<void> {
  const time = Date.now() / 1000 + minutes * 60;
  await utimes(file, time, time);
}

test("a file becomes a module beside it, and a folder with plugin.ts one beside the folder", async (t) => {
  const folder = await writeSources(t, { "one.ts": good, "two/plugin.ts": good });
  const one = await build(folder, "one.ts");
  assert.equal(one.code, 0, one.stderr);
  assert.match(one.stdout, /^one\.wasm {2}\d+ KiB {2}\d+ ms\n$/);
  const two = await build(folder, "two");
  assert.match(two.stdout, /^two\.wasm {2}/);
  assert.deepEqual(
    [await exists(join(folder, "one.wasm")), await exists(join(folder, "two.wasm"))],
    [true, true],
  );
});

test("of a folder of plugins each is built, and one that fails hides no other", async (t) => {
  const folder = await writeSources(t, {
    "a.ts": "const a = ;",
    "b.ts": good,
    "b.test.ts": "not a plugin",
    "b.d.ts": "not a plugin",
    "c/plugin.ts": good,
    "c/part.ts": "not a plugin",
    "d/plugin.ts": "export class D {}",
    ".hidden/plugin.ts": "not a plugin",
    "notes.md": "not a plugin",
  });
  const { code, stdout, stderr } = await build(folder, ".");
  assert.equal(code, 1);
  assert.deepEqual(stdout.match(/^\S+/gm), ["b.wasm", "c.wasm"]);
  assert.match(stderr, /^a\.ts:1:11: /m);
  assert.match(stderr, /^d\/plugin\.ts: the class D is exported/m);
});

test("type errors are told with their places, in every file of the plugin", async (t) => {
  const folder = await writeSources(t, {
    "a.ts": `import { definePlugin } from "@sandgate/plugin-sdk";
import { part } from "./lib/part.ts";
export default definePlugin({
  name: "a",
  version: "1.0.0",
  hooks: { pre_request: { reads: ["request.path"], writes: ["tags"] } },
  configSchema: { type: "object", properties: { limit: { type: "integer", default: 1 } } },
  preRequest({ request }, { config }) {
    const path: number = request.path;
    return { type: "tag", name: "t", value: part(config.limit + path) };
  },
});
`,
    "lib/part.ts": "export function part(n: number): string {\n  return n;\n}\n",
  });
  const { code, stdout, stderr } = await build(folder, "a.ts");
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^a\.ts:9:11: TS2322: Type 'string' is not assignable to type 'number'\.$/m);
  assert.match(stderr, /^> +9 \| {5}const path: number = request\.path;$/m);
  assert.match(stderr, /^lib\/part\.ts:2:3: TS2322: Type 'number' is not assignable to type 'string'\.$/m);
});

test("the globals of a plugin have types, and those of Node and browsers have not", async (t) => {
  const folder = await writeSources(t, {
    "good.ts": `console.info(new TextDecoder("utf-8", { fatal: true }).decode(new TextEncoder().encode("a")));
export function run() {
  Host.outputString([Config.get("a"), Var.getString("b"), crypto.randomUUID(), performance.now(), btoa("x")].join());
  Var.set("c", Host.inputBytes()); Var.set("c", null); queueMicrotask(() => {});
  return process.env.NODE_ENV.length + Http.request({ url: "https://a.example" }).status;
}
`,
    "bad.ts": "export function run() { fetch('x'); setTimeout(run, 1); }\n",
  });
  const { stdout, stderr } = await build(folder, ".");
  assert.deepEqual(stdout.match(/^\S+/gm), ["good.wasm"]);
  assert.deepEqual(stderr.match(/^bad\.ts:1:\d+: TS\d+: Cannot find name '\w+'/gm), [
    "bad.ts:1:25: TS2304: Cannot find name 'fetch'",
    "bad.ts:1:37: TS2304: Cannot find name 'setTimeout'",
  ]);
});

test("a plugin that fails leaves the module that was there", async (t) => {
  const folder = await writeSources(t, { "a.ts": "const a = ;", "a.wasm": "before" });
  assert.equal((await build(folder, "a.ts")).code, 1);
  assert.equal(await readFile(join(folder, "a.wasm"), "utf8"), "before");
});

for (const { path, says } of [
  { path: "gone", says: /^gone: no such file or folder\n$/ },
  { path: "notes.md", says: /^notes\.md: not a \.ts or \.js file\n$/ },
]) {
  test(`nothing to build: ${path}`, async (t) => {
    const folder = await writeSources(t, { "notes.md": "" });
    const { code, stdout, stderr } = await build(folder, path);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, says);
  });
}

test("two sources of one module are refused by name", async (t) => {
  const folder = await writeSources(t, { "a.ts": good, "a/plugin.ts": good });
  const { code, stderr } = await build(folder, ".");
  assert.equal(code, 1);
  assert.match(stderr, /^a\.wasm: made of both a\/plugin\.ts and a\.ts\n$/);
});

test("what a plugin logs while it starts goes to standard error", async (t) => {
  const folder = await writeSources(t, { "a.ts": withBody("return [];", "console.warn('starting');") });
  const { code, stderr } = await build(folder, "a.ts");
  assert.deepEqual([code, stderr], [0, "warn: starting\n"]);
});

test("--stale builds what is missing, changed, has a changed dependency or is older than the engine", async (t) => {
  const folder = await writeSources(t, {
    "a.ts": withBody("return part;", `import { part } from "./lib/part.ts";`),
    "lib/part.ts": "export const part: never[] = [];",
    "b.ts": good,
  });
  const stale = async () => {
    const { code, stdout, stderr } = await build(folder, ".", "--stale");
    assert.deepEqual([code, stderr], [0, ""]);
    return stdout.match(/^\S+/gm) ?? [];
  };
  assert.deepEqual(await stale(), ["a.wasm", "b.wasm"]);
  assert.deepEqual(await stale(), []);
  await age(join(folder, "lib/part.ts"), 1);
  await age(join(folder, "b.wasm"), 2);
  assert.deepEqual(await stale(), ["a.wasm"]);
  await age(join(folder, "b.ts"), 3);
  await age(join(folder, "a.wasm"), 2);
  assert.deepEqual(await stale(), ["b.wasm"]);
  const engineTime = (await stat(engineFile)).mtimeMs / 1000;
  await age(join(folder, "b.wasm"), 4);
  await utimes(join(folder, "a.wasm"), engineTime - 1, engineTime - 1);
  assert.deepEqual(await stale(), ["a.wasm"]);
  await age(join(folder, "b.ts"), -9);
  await age(join(folder, "lib/part.ts"), -9);
  await writeFile(join(folder, "b.wasm"), "not made by this compiler");
  assert.deepEqual(await stale(), ["b.wasm"]);
});

test("a module that no gateway takes is refused, and one that needs another limit told", async (t) => {
  const text = (count: number) =>
    JSON.stringify(Array.from({ length: count }, (_, index) => `${index}`).join(" "));
  const folder = await writeSources(t, {
    "large.ts": withBody("return [large.length] as any;", `import large from "./large.json";`),
    "large.json": text(600_000),
    "huge.ts": withBody("return [huge.length] as any;", `import { huge } from "./lib/pulls.ts";`),
    "lib/pulls.ts": 'export { default as huge } from "heavy";',
    "node_modules/heavy/package.json": '{ "name": "heavy", "version": "1.0.0", "main": "data.json" }',
    "node_modules/heavy/data.json": text(2_200_000),
  });
  const { code, stdout, stderr } = await build(folder, ".");
  assert.equal(code, 1);
  assert.deepEqual(stdout.match(/^\S+/gm), ["large.wasm"]);
  assert.match(stderr, /^huge\.ts: the module is \d+ bytes; a gateway takes at most 16777216$/m);
  assert.match(stderr, /^ {2}heavy: \d+ KiB of code, imported by lib\/pulls\.ts, imported by huge\.ts$/m);
  assert.match(
    stderr,
    /^large\.ts: warning: the module is \d+ bytes; a gateway takes at most 4194304 unless its config allows more$/m,
  );
});
