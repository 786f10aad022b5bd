import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { openPlugin } from "@sandgate/plugin-sdk/testing";
import type { BindingConfig } from "#config/schema.ts";
import { everyBinding, readLayers } from "#host/resolve/binding.ts";
import { pluginModule } from "#sdk/testing/modules.ts";
import { load, printed } from "#test/config/config-file.ts";

const folder = new URL("./", import.meta.url);
const entries = await readdir(folder, { withFileTypes: true });
const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);

test("there are folders of bundled plugins, and the README names each of them", async () => {
  assert.ok(names.length >= 3);
  const readme = await readFile(new URL("README.md", folder), "utf8");
  for (const name of names) assert.match(readme, new RegExp(`\\(${name}/README\\.md\\)`));
});

for (const name of names) {
  test(`the gateway takes every example in the README of ${name}`, async (t) => {
    const examples = [...(await readmeOf(name)).matchAll(/^```yaml\n(.*?)^```$/gms)].map(
      ([, text = ""]) => text,
    );
    assert.ok(examples.length > 0);
    for (const example of examples) {
      const loaded = await load(t, example);
      assert.deepEqual(printed(loaded), []);
      assert.ok(loaded.ok);
      const bindings = [...everyBinding(readLayers(loaded.config))].filter(({ plugin }) => plugin === name);
      assert.equal(bindings.length, 1);
      const { secrets } = loaded.config;
      const most = loaded.config.limits.plugins;
      for (const { config: written, limits, grants } of bindings) {
        const config = structuredClone(written) as JsonObject;
        const plugin = await openPlugin(moduleOf(name), { config, limits, grants, secrets, most });
        await plugin.close();
      }
    }
  });

  test(`the README of ${name} has a row for every key of its config`, async () => {
    const readme = await readmeOf(name);
    const { manifest } = await pluginModule(moduleOf(name));
    assert.equal(manifest.name, name);
    const keys = leavesOf(manifest.configSchema ?? {});
    assert.ok(keys.length > 0);
    for (const key of keys) assert.ok(readme.includes(`| \`${key}\` |`), `a row for ${key}`);
  });
}

function moduleOf(name: string): string {
  return fileURLToPath(new URL(`${name}.wasm`, folder));
}

function readmeOf(name: string): Promise<string> {
  return readFile(new URL(`${name}/README.md`, folder), "utf8");
}

type JsonObject = NonNullable<BindingConfig["config"]>;
type Schema = { readonly properties?: Readonly<Record<string, Schema>>; readonly description?: string };

/** `request.headers.set`: the keys that hold no further keys. Each has a description for editors. */
function leavesOf(schema: Schema): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => {
    assert.equal(typeof inner.description, "string", `${key} has a description`);
    return inner.properties === undefined ? [key] : leavesOf(inner).map((leaf) => `${key}.${leaf}`);
  });
}
