import assert from "node:assert/strict";
import { test } from "node:test";
import { CompileFailed } from "#sdk/compile/problem.ts";
import { compileSources, openSources, withBody } from "./source-plugin.ts";

test("a .txt file is its text, a .json file its value", async (t) => {
  const plugin = await openSources(t, {
    "plugin.ts": withBody(
      `return { type: "tag", name: "t", value: JSON.stringify([text, data, member]) };`,
      `import text from "./words.txt";
       import data, { member } from "./data.json";`,
    ),
    "words.txt": "zwölf\n\tWörter $x `\u2028\n",
    "data.json": `{ "member": [1, null, "ü"] }`,
  });
  const data = { member: [1, null, "ü"] };
  assert.deepEqual(JSON.parse(await plugin.tag()), ["zwölf\n\tWörter $x `\u2028\n", data, data.member]);
});

for (const [file, reason] of [
  ["style.css", 'cannot import "style.css": a plugin has no page for a style sheet'],
  ["page.html", 'cannot import "page.html": a plugin has no page; import it as .txt if its text is wanted'],
  ["other.wasm", 'cannot import "other.wasm": a plugin cannot load another module'],
  ["addon.node", 'cannot import "addon.node": a plugin cannot load native code'],
  ["image.png", 'No loader is configured for ".png" files: image.png'],
] as const) {
  test(`a plugin that imports ${file} does not build, and is told why`, async (t) => {
    const sources = { "plugin.ts": withBody("return [];", `import "./${file}";`), [file]: "x" };
    await assert.rejects(compileSources(t, sources), (thrown) => {
      assert.ok(thrown instanceof CompileFailed);
      const [problem, ...others] = thrown.problems;
      assert.deepEqual([others, problem?.file, problem?.line, problem?.text], [[], "plugin.ts", 2, reason]);
      return true;
    });
  });
}
