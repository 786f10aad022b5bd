import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { decodeModule } from "#host/sandbox/wasm/decode.ts";
import { bundle } from "#sdk/compile/bundle.ts";
import { compileSources, writeSources } from "./source-plugin.ts";

// A plugin pays only for the globals that it uses: in bytes, and in imports.

type Contents = { readonly files: ReadonlySet<string>; readonly imports: ReadonlySet<string> };

/** The files of the SDK whose code is in a module, and what it imports. */
async function contentsOf(t: TestContext, source: string): Promise<Contents> {
  const { imports, customs } = decodeModule((await compileSources(t, source)).wasm);
  const map = customs.find(({ name }) => name === "sandgate.source-map");
  const { sources } = JSON.parse(new TextDecoder().decode(map?.bytes)) as { sources: string[] };
  return {
    files: new Set(sources.filter((file) => file.startsWith("sandgate:"))),
    imports: new Set(imports.map(({ name }) => name)),
  };
}

const using = (expression: string) => `export async function run() { return ${expression}; }`;
const textEncoding = "sandgate:runtime/text-encoding.ts";
const url = [
  ...["sandgate:library", "sandgate:runtime/percent-encode.ts", "sandgate:runtime/ascii-domain.ts"],
  ...["sandgate:runtime/url-search-params.ts", "sandgate:runtime/url.ts", textEncoding],
];
const loads = ["load_u64", "load_u8"];

/** What the use of a global adds to a module: files of the SDK, and imports. */
const added: Readonly<Record<string, readonly [files: readonly string[], imports: readonly string[]]>> = {
  "'Headers, URL, Memory'": [[], []],
  "new Map([[1, JSON.stringify(atob('eA=='))]])": [[], []],
  "queueMicrotask(() => {})": [[], []],
  "({ URL: 1, Headers: 2 }).URL": [[], []],
  "(() => { const URL = 1; return URL; })()": [[], []],
  "console.log('x')": [["sandgate:runtime/console.ts"], []],
  "new Headers()": [["sandgate:runtime/headers.ts"], []],
  "typeof Headers": [["sandgate:runtime/headers.ts"], []],
  "globalThis.Headers": [["sandgate:runtime/headers.ts"], []],
  "new TextEncoder()": [[textEncoding], []],
  "structuredClone(1)": [["sandgate:library", "sandgate:runtime/structured-clone.ts"], []],
  "new URLSearchParams()": [["sandgate:library", "sandgate:runtime/url-search-params.ts", textEncoding], []],
  "new URL('a:')": [url, []],
  "await crypto.subtle.digest('SHA-1', new Uint8Array(1))": [
    ["sandgate:library", "sandgate:runtime/subtle.ts", textEncoding],
    [],
  ],
  "crypto.randomUUID()": [["sandgate:runtime/sources.ts"], ["random_get"]],
  "Memory.fromString('x')": [["sandgate:runtime/memory.ts", textEncoding], loads],
  "Http.request": [
    ["sandgate:runtime/extism-globals.ts", textEncoding],
    [...loads, "http_headers", "http_request", "http_status_code"],
  ],
};

test("a module has the code and the imports of the globals that it uses, and no others:", async (t) => {
  const bare = await contentsOf(t, using("0"));
  assert.ok([...bare.files].every((file) => !/library|url|headers|clone|subtle|memory|console/.test(file)));
  for (const [expression, [files, imports]] of Object.entries(added)) {
    await t.test(expression, async () => {
      const made = await contentsOf(t, using(expression));
      assert.deepEqual([...made.files.difference(bare.files)].sort(), files.toSorted(), "files");
      assert.deepEqual([...made.imports.difference(bare.imports)].sort(), imports.toSorted(), "imports");
    });
  }
});

test("a plugin that uses none is not one byte larger because they are there", async (t) => {
  const sizeOf = async (source: string) => (await compileSources(t, source)).wasm.length;
  const plain = await sizeOf("export function run() { return { Xyz: 1 }.Xyz; }");
  assert.equal(await sizeOf("export function run() { return { URL: 1 }.URL; }"), plain);
  assert.ok((await sizeOf("export function run() { return URL.Xyz; }")) > plain);
});

test("the packages that globals are made of are bundled as modules: as CommonJS they would be in every plugin", async (t) => {
  const folder = await writeSources(t, using("new URL('a:')"));
  const { code } = await bundle(`${folder}/plugin.ts`);
  assert.match(code, /\bURLGlobal\b/);
  assert.doesNotMatch(code, /\b__(commonJS|esm|toESM)\b/);
});
