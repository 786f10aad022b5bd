import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createPlugin, type ExtismPluginOptions } from "@extism/extism";
import { decodeModule } from "#host/sandbox/wasm/decode.ts";
import { checkTypes } from "#sdk/compile/check-types.ts";
import { checkManifest } from "#sdk/compile/manifest.ts";
import { textOf } from "#test/sandbox/fixture.ts";
import { compileSources, openSources, writeSources } from "./source-plugin.ts";

// docs/porting-from-js-pdk.md: its blocks of code, as a reader saves them.

const page = readFileSync(join(import.meta.dirname, "../../docs/porting-from-js-pdk.md"), "utf8");
const saved = new Map(
  [...page.matchAll(/Save this as `([^`]+)`[^`]*?:\n\n```\w+\n(.*?)^```/gms)].map(
    ([, name = "", code = ""]) => [name, code],
  ),
);
const file = (name: string): string => saved.get(name) ?? assert.fail(`the page has no ${name}`);

test("the first plugin of the page greets, in the sandbox and in the stock Extism SDK with the functions that the page names", async (t) => {
  const plugin = await openSources(t, file("greet.js"));
  assert.equal(textOf(await plugin.call("greet", "Ada")), "Hello, Ada!");
  assert.match(
    String((await plugin.call("greet", "Benjamin")).error),
    /^Error: Sorry, we do not greet Benjamins!\n/,
  );

  const [, given = ""] = /^export const functions = (\{.*?^\});/ms.exec(page) ?? [];
  const options = { functions: new Function(`return ${given}`)() } as unknown as ExtismPluginOptions;
  const uses = "function ask() { return Http.request.length; }\nmodule.exports.ask = ask;";
  const { wasm } = await compileSources(t, `${file("greet.js")}\n${uses}`);
  const stock = await createPlugin({ wasm: [{ data: new Uint8Array(wasm) }] }, options);
  t.after(() => stock.close());
  assert.equal((await stock.call("greet", "Ada"))?.text(), "Hello, Ada!");
});

test("the hook of the page fits its manifest, and refuses who names no team", async (t) => {
  const plugin = await openSources(t, file("team-only.js"));
  assert.deepEqual(checkManifest(JSON.parse(file("team-only.json")), plugin.compiled.exports), []);
  const named = await plugin.call("pre_request", { request: { headers: { "x-team": "a" } } });
  assert.deepEqual([named.outcome, textOf(named)], ["ok", ""]);
  const refused = await plugin.call("pre_request", { request: { headers: {} } });
  assert.equal(JSON.parse(textOf(refused)).effects[0].status, 403);
});

test("the TypeScript of the page has no type errors, and imports the function that it reads", async (t) => {
  const source = file("count-calls.ts");
  const folder = await writeSources(t, source);
  assert.deepEqual(await checkTypes(join(folder, "plugin.ts")), []);
  const wrong = await writeSources(t, source.replace("count(): I32", "count(): string"));
  assert.match((await checkTypes(join(wrong, "plugin.ts")))[0]?.text ?? "", /^TS2322/);
  const { wasm, exports } = await compileSources(t, source);
  assert.deepEqual(exports, ["count"]);
  assert.ok(decodeModule(wasm).imports.some(({ name }) => name === "counters_add"));
});
