import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cp, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { SourceMapConsumer } from "source-map";
import { decodeModule } from "#host/sandbox/wasm/decode.ts";
import type { CompiledPlugin } from "#sdk/compile/compile-plugin.ts";
import { temporaryFolder } from "#test/config/config-file.ts";
import { runCommand } from "../cli/command.ts";
import { compileSources, openSources, withBody, writeSources } from "./source-plugin.ts";

function importsOf({ wasm }: CompiledPlugin): string[] {
  return decodeModule(wasm)
    .imports.map(({ module, name }) => `${module}.${name}`)
    .sort();
}

function customOf({ wasm }: CompiledPlugin, wanted: string): string | null {
  const found = decodeModule(wasm).customs.find(({ name }) => name === wanted);
  return found === undefined ? null : new TextDecoder().decode(found.bytes);
}

test("a plugin may be several files, a package beside it, and JSON", async (t) => {
  const plugin = await openSources(t, {
    "plugin.ts": withBody(
      `return { type: "tag", name: "t", value: [one, two(), three, data.four, six.five].join() };`,
      `import { one } from "./lib/one.ts";
       import { two } from "./lib/two.js";
       import three from "three";
       import data from "./data.json";
       import * as six from "scoped/six";`,
    ),
    "lib/one.ts": "export const one: number = 1;",
    "lib/two.js": "import { one } from './one.ts'; export const two = () => one + 1;",
    "data.json": `{ "four": 4 }`,
    "node_modules/three/package.json": `{ "name": "three", "main": "./index.cjs" }`,
    "node_modules/three/index.cjs": "module.exports = 3;",
    "node_modules/scoped/package.json": `{ "name": "scoped", "type": "module", "exports": { "./six": "./6.js" } }`,
    "node_modules/scoped/6.js": "export const five = 5;",
  });
  assert.equal(await plugin.tag(), "1,2,3,4,5");
  const sources = plugin.compiled.inputs.filter((file) => !file.includes("plugin-sdk"));
  assert.equal(sources.length, 6);
});

test("the same source gives the same bytes, wherever it lies, whenever and from wherever it is compiled", async (t) => {
  const folder = await writeSources(t, {
    "plugin.ts": withBody(
      "return { type: 'tag', name: 't', value: part + Math.random() + Date.now() };",
      `import { part } from "./part.ts"; const made = new Map([[{}, Date.now()], [[], Math.max(1, 2)]]);`,
    ),
    "part.ts": "export const part = 'x';",
  });
  const other = join(await temporaryFolder(t), "a longer name", "inside");
  await cp(folder, other, { recursive: true });
  const hashes: string[] = [];
  for (const [place, cwd] of [
    [folder, folder],
    [other, dirname(other)],
    [folder, "/"],
  ] as const) {
    const { code, stderr } = await runCommand(["plugin", "build", join(place, "plugin.ts")], { cwd });
    assert.equal(code, 0, stderr);
    const bytes = await readFile(join(place, "plugin.wasm"));
    hashes.push(createHash("sha256").update(bytes).digest("hex"));
  }
  assert.equal(new Set(hashes).size, 1);
});

/** Input, output, errors and logs: what any plugin may use, so every module has them. */
const always = [
  ...["alloc", "error_set", "length", "output_set", "store_u64", "store_u8"],
  ...["input_length", "input_load_u64", "input_load_u8"],
  ...["log_debug", "log_error", "log_info", "log_trace", "log_warn"],
].map((name) => `extism:host/env.${name}`);
const env = (...names: string[]) =>
  ["load_u64", "load_u8", ...names].map((name) => `extism:host/env.${name}`);
const capable = (capability: string, body: string) =>
  withBody(body).replace("version:", `capabilities: ["${capability}"], version:`);

for (const { title, source, imports } of [
  { title: "a hook without capabilities", source: withBody("return [];"), imports: [] },
  { title: "a plain function", source: "export function run() {}", imports: [] },
  {
    title: "Config, Var and Date",
    source: "export function run() { Var.set('a', Config.get('a') + Date.now() + Var.getString('b')); }",
    imports: [...env("config_get", "var_get", "var_set"), "wasi_snapshot_preview1.clock_time_get"],
  },
  {
    title: "the capability consumers",
    source: capable("consumers", "host.consumers.find('x'); return [];"),
    imports: [...env(), "extism:host/user.consumers_find"],
  },
  {
    title: "the capability http, and random numbers",
    source: capable("http", "host.http.request({ url: 'https://a.example' }); return [Math.random()];"),
    imports: [
      ...env("http_headers", "http_request", "http_status_code"),
      "wasi_snapshot_preview1.random_get",
    ],
  },
]) {
  test(`the imports show what is used: ${title}`, async (t) => {
    assert.deepEqual(importsOf(await compileSources(t, source)), [...always, ...imports].sort());
  });
}

test("the module carries the manifest that definePlugin was given", async (t) => {
  const compiled = await compileSources(
    t,
    `import { definePlugin } from "@sandgate/plugin-sdk";
     export default definePlugin({
       name: "whole", version: "1.2.3-rc.1", description: "ä", category: "traffic",
       hooks: { post_request: { reads: ["response.status"], writes: ["tags"], priority: 3, mode: "parallel", at: "completion" } },
       configSchema: { type: "object", properties: { a: { type: "integer", default: 1 } } },
       capabilities: [], failure: "open", state: "instance",
       configure() {}, postRequest() {},
     });`,
  );
  const manifest = {
    name: "whole",
    version: "1.2.3-rc.1",
    description: "ä",
    category: "traffic",
    hooks: {
      post_request: {
        reads: ["response.status"],
        writes: ["tags"],
        priority: 3,
        mode: "parallel",
        at: "completion",
      },
    },
    configSchema: { type: "object", properties: { a: { type: "integer", default: 1 } } },
    capabilities: [],
    failure: "open",
    state: "instance",
    abi: 1,
  };
  assert.deepEqual(JSON.parse(customOf(compiled, "sandgate.manifest") ?? ""), manifest);
  assert.deepEqual(compiled.manifest, manifest);
  assert.deepEqual(compiled.exports, ["configure", "post_request"]);
});

test("the module carries a source map that other tools read, with paths relative to the plugin", async (t) => {
  const compiled = await compileSources(t, {
    "plugin.ts": withBody("return part(input);", `import { part } from "./lib/part.ts";`),
    "lib/part.ts": "\n\nexport function part(input: any): never {\n  throw new Error(input);\n}\n",
  });
  const map = JSON.parse(customOf(compiled, "sandgate.source-map") ?? "");
  assert.deepEqual(
    map.sources.filter((source: string) => !source.startsWith("sandgate:")),
    ["plugin.ts", "lib/part.ts"],
  );
  await SourceMapConsumer.with(map, null, (consumer) => {
    const { line, column } = consumer.generatedPositionFor({ source: "lib/part.ts", line: 4, column: 2 });
    const { source, line: original } = consumer.originalPositionFor({ line: line ?? 0, column: column ?? 0 });
    assert.deepEqual([source, original], ["lib/part.ts", 4]);
  });
});

test("source may be nested deeper than a plugin may call", async (t) => {
  const choices = Array.from({ length: 600 }, (_, n) => `if (input.n === ${n}) return tag("${n}");`);
  const plugin = await openSources(
    t,
    withBody(
      `${choices.join(" else ")} return [];`,
      `const tag = (value: string) => ({ type: "tag", name: "t", value }) as const;
       const nested = ${"[".repeat(300)}${"]".repeat(300)};`,
    ),
  );
  assert.equal(await plugin.tag({ n: 599 }), "599");
});

test("a small plugin is at most 800 kB", async (t) => {
  const { wasm } = await compileSources(t, withBody("return { type: 'tag', name: 'a', value: 'b' };"));
  assert.ok(wasm.length <= 800_000, `${wasm.length} bytes`);
});
