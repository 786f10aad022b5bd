import assert from "node:assert/strict";
import { test } from "node:test";
import { compileSources, openSources, packages } from "./source-plugin.ts";

const withZod = `import { definePlugin } from "@sandgate/plugin-sdk";
import { tag } from "@sandgate/plugin-sdk/effects";
import { z } from "zod";
export default definePlugin({
  name: "made",
  version: "1.0.0",
  hooks: { pre_request: { writes: ["tags"] } },
  configSchema: z.strictObject({
    max: z.int().positive().default(10),
    words: z.array(z.string().min(1).transform((word) => word.toUpperCase())).default([]),
    pattern: z.string().refine((text) => text !== "refused", "is refused").optional(),
  }),
  preRequest(_input, { config }) {
    const max: number = config.max;
    const words: string[] = config.words;
    return tag("t", [max, ...words, config.pattern ?? "none"].join());
  },
});
`;

const zodSource = { "plugin.ts": withZod, node_modules: packages };

test("the manifest's configSchema comes from zod, and handlers get what zod makes of the config", async (t) => {
  const { manifest } = await compileSources(t, zodSource);
  assert.deepEqual(manifest?.configSchema, {
    type: "object",
    properties: {
      max: { default: 10, type: "integer", exclusiveMinimum: 0, maximum: Number.MAX_SAFE_INTEGER },
      words: { type: "array", items: { type: "string", minLength: 1 } },
      pattern: { type: "string" },
    },
    additionalProperties: false,
  });
  const plugin = await openSources(t, zodSource, { config: { words: ["a", "é"] } });
  assert.equal(await plugin.tag(), "10,A,É,none");
});

test("what zod refuses refuses the config, with the member", async (t) => {
  await assert.rejects(
    openSources(t, zodSource, { config: { max: -1, pattern: "refused" } }),
    /max: .*; pattern: is refused/,
  );
});

test("a schema that cannot tell itself as JSON Schema is refused when the plugin is built", async (t) => {
  const source = withZod
    .replace('import { z } from "zod";', "")
    .replace(
      /configSchema: z[\s\S]*?\n {2}\}\),/,
      'configSchema: { "~standard": { version: 1, vendor: "old" } } as any,',
    );
  await assert.rejects(
    compileSources(t, source),
    /configSchema: this version of old has no Standard JSON Schema/,
  );
});

test("a capability that is used and not declared is a warning with its place, and throws when it is called", async (t) => {
  const source = `import { definePlugin, MissingCapability } from "@sandgate/plugin-sdk";
export default definePlugin({
  name: "made", version: "1.0.0", capabilities: ["cache"],
  hooks: { pre_request: { writes: ["tags"] } },
  preRequest(_input, host) {
    // host.crypto.hash( in a comment is no use
    try {
      host.kv.get("k");
    } catch (error) {
      if (!(error instanceof MissingCapability)) throw error;
      return { type: "tag", name: "t", value: error.name + " " + error.capability };
    }
    host.cache.get("k");
  },
});
`;
  const { warnings } = await compileSources(t, source);
  assert.deepEqual(
    warnings.map(({ file, line, column, text }) => [file, line, column, text]),
    [["plugin.ts", 8, 12, 'host.kv throws here: definePlugin has no "kv" in capabilities']],
  );
  assert.match(warnings[0]?.frame ?? "", /> +8 \|\s+host\.kv\.get/);
});

test("the module imports the clock and a source of chance only where the code names them", async (t) => {
  const importsOf = async (body: string) => {
    const { wasm } = await compileSources(
      t,
      `import { definePlugin } from "@sandgate/plugin-sdk";
       export default definePlugin({ name: "made", version: "1.0.0", hooks: { pre_request: { writes: ["tags"] } },
         preRequest(_input, host) { ${body} } });`,
    );
    const module = new WebAssembly.Module(wasm as Uint8Array<ArrayBuffer>);
    return WebAssembly.Module.imports(module)
      .filter(({ module }) => module === "wasi_snapshot_preview1")
      .map(({ name }) => name)
      .sort();
  };
  assert.deepEqual(await importsOf(""), []);
  assert.deepEqual(await importsOf("host.log.info(String(host.now()));"), ["clock_time_get"]);
  assert.deepEqual(await importsOf("const { random } = host; host.log.info(random.uuid());"), ["random_get"]);
});

test("host.now and host.random give time and chance; a name that the compiler cannot see says so", async (t) => {
  const plugin = await openSources(
    t,
    `import { definePlugin } from "@sandgate/plugin-sdk";
     export default definePlugin({ name: "made", version: "1.0.0", hooks: { pre_request: { writes: ["tags"] } },
       preRequest(_input, host: any) {
         const { random } = host;
         const hidden = ["n", "ow"].join("");
         let said = "";
         try { host[hidden](); } catch (error: any) { said = error.message; }
         return { type: "tag", name: "t", value: JSON.stringify([
           random.number(), random.uuid(), random.bytes(5).length, said]) };
       } });`,
  );
  const [number, uuid, length, said] = JSON.parse(await plugin.tag());
  assert.ok(number >= 0 && number < 1);
  assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(length, 5);
  assert.match(said, /^host\.now is not in this module: the compiler has to see the name now in the code$/);
});
