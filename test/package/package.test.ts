import assert from "node:assert/strict";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { compilePlugin } from "#sdk/compile/compile-plugin.ts";
import { openEmptyFolder } from "./packed.ts";

test("the packed SDK in an empty folder", async (t) => {
  const { folder, tarball, shell } = await openEmptyFolder(t, "my plugins é");
  await writeFile(join(folder, "package.json"), '{ "name": "stranger", "private": true, "type": "module" }');
  await shell(
    `npm install --save-dev "${tarball}" typescript@7.0.2 @types/node@26 dayjs@1.11.23 assemblyscript@0.28.20`,
  );

  await t.test("it holds what it needs and nothing of the workspace alone", async () => {
    const files = (await shell(`tar tzf "${tarball}"`)).trim().split("\n");
    for (const file of [
      "LICENSE",
      "NOTICE",
      "README.md",
      "plugin-sdk/engine/build/engine.wasm",
      "plugin-sdk/define-plugin.d.ts",
    ]) {
      assert.ok(files.includes(`package/${file}`), file);
    }
    const stray = files.filter((file) => /\.test\.|tsconfig\.json$|node_modules|shim\//.test(file));
    assert.deepEqual(
      stray.filter((file) => !file.startsWith("package/source/templates/")),
      [],
    );
  });

  for (const template of ["auth", "guard", "transform", "observe", "stream"]) {
    await t.test(
      `a new plugin from the template ${template} builds, passes its tests and has its types`,
      async () => {
        await shell(`npx sandgate plugin new my-${template} --template ${template}`);
        const plugin = join(folder, `my-${template}`);
        await shell("npm run build && npm test && npx tsc --noEmit", plugin);
      },
    );
  }

  await t.test("a new plugin in AssemblyScript builds and passes its fixtures", async () => {
    await shell("npx sandgate plugin new my-fast --language assemblyscript");
    await shell("npm test", join(folder, "my-fast"));
  });

  await t.test("a module has the same bytes as one that the workspace makes", async () => {
    const theirs = await readFile(join(folder, "my-guard.wasm"));
    const copy = join(folder, "../elsewhere");
    await cp(join(folder, "my-guard"), copy, { recursive: true });
    const ours = await compilePlugin(join(copy, "plugin.ts"));
    assert.deepEqual(theirs, Buffer.from(ours.wasm));
  });

  await t.test(
    "also when the way from the plugin to the package has letters that a URL cannot hold",
    async () => {
      const outside = join(folder, "../key-auth");
      const bundled = join(import.meta.dirname, "../../plugins/key-auth");
      await cp(bundled, outside, { recursive: true });
      await shell(`npx sandgate plugin build "${outside}"`);
      const ours = await compilePlugin(join(bundled, "plugin.ts"));
      assert.deepEqual(await readFile(`${outside}.wasm`), Buffer.from(ours.wasm));
    },
  );

  await t.test("packages of npm go into a plugin, whose folder may lie elsewhere", async () => {
    const elsewhere = join(folder, "deep/er");
    await mkdir(elsewhere, { recursive: true });
    await writeFile(
      join(elsewhere, "dated.ts"),
      'import dayjs from "dayjs";\nexport function run() { Host.outputString(dayjs(0).format("YYYY")); }\n',
    );
    await shell(`npx sandgate plugin build "${elsewhere}/dated.ts"`);
    assert.match(await shell(`npx sandgate plugin run "${elsewhere}/dated.wasm" --call run`), /1970/);
  });

  await t.test("inspect says that the gateway admits it, run calls it", async () => {
    assert.match(await shell("npx sandgate plugin inspect my-guard.wasm"), /verdict +admitted/);
    const run = "npx sandgate plugin run my-guard.wasm --call pre_request --input - --json";
    assert.match(await shell(`echo '{"stage":"pre-request","request":{}}' | ${run}`), /"outcome":"ok"/);
  });
});
