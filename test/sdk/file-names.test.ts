import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeModule } from "#host/sandbox/wasm/decode.ts";
import { CompileFailed } from "#sdk/compile/problem.ts";
import { compileSources, openSources, withBody } from "./source-plugin.ts";

const name = "größe 100% #1.ts";

test("a mistake in a file of any name is told by this name", async (t) => {
  const sources = {
    "plugin.ts": withBody("", `import "./${name}";`),
    [name]: "const table: any = null;\nexport const first = table.first;\n",
  };
  await assert.rejects(compileSources(t, sources), (thrown) => {
    assert.ok(thrown instanceof CompileFailed);
    const [problem] = thrown.problems;
    assert.deepEqual([problem?.file, problem?.line], [name, 2]);
    return true;
  });
});

test("a handler's error names it too", async (t) => {
  const plugin = await openSources(t, {
    "plugin.ts": withBody("fail();", `import { fail } from "./${name}";`),
    [name]: "export function fail() {\n  throw new Error('on purpose');\n}\n",
  });
  const { error } = await plugin.call("pre_request", { request: { body: 1 } });
  assert.match(error ?? "", /größe 100% #1\.ts:2/);
});

test("a package's own source map may hold names that are no URLs", async (t) => {
  const map = { version: 3, sources: ["100%.ts"], names: [], mappings: "AAAA" };
  const comment = `//# sourceMappingURL=data:application/json,${encodeURIComponent(JSON.stringify(map))}`;
  const { wasm } = await compileSources(t, {
    "plugin.ts": withBody(
      "return { type: 'tag', name: 't', value: one };",
      `import { one } from "./one.js";`,
    ),
    "one.js": `export const one = globalThis.one ?? "1";\n${comment}\n`,
  });
  const section = decodeModule(wasm).customs.find((one) => one.name === "sandgate.source-map");
  assert.match(new TextDecoder().decode(section?.bytes), /100%/);
});
