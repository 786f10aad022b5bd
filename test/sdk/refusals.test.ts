import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { CompileFailed } from "#sdk/compile/problem.ts";
import { compileSources, type Sources, withBody } from "./source-plugin.ts";

/** What the compiler says about files that it must not take. */
async function refusal(t: TestContext, sources: Sources): Promise<string> {
  try {
    await compileSources(t, sources);
  } catch (thrown) {
    assert.ok(thrown instanceof CompileFailed, String(thrown));
    return thrown.message;
  }
  assert.fail("it was compiled");
}

const manifest = (members: string) => `import { definePlugin } from "@sandgate/plugin-sdk";
export default definePlugin({ name: "made", version: "1.0.0", preRequest() {}, ${members} });`;

for (const { title, sources, says } of [
  {
    title: "a syntax error",
    sources: "const a = 1;\nconst b = ;\n",
    says: /^plugin\.ts:2:11: .*\n {2}1 \| const a = 1;\n> 2 \| const b = ;\n {4}\| {11}\^\n/,
  },
  {
    title: "a syntax error in another file",
    sources: { "plugin.ts": "import './lib/a.ts';", "lib/a.ts": "\n  let let = 1;\n" },
    says: /^lib\/a\.ts:2:\d+: /,
  },
  {
    title: "an import of nothing",
    sources: "import { x } from './gone.ts';\nx();",
    says: /^plugin\.ts:1:19: .*gone\.ts/,
  },
  {
    title: "a module of Node",
    sources: `import fs from "node:fs";\nexport const run = () => fs;`,
    says: /^plugin\.ts:1:16: "node:fs" is a module of Node; a plugin runs without Node/,
  },
  {
    title: "a module of Node in a dependency, with who imports it",
    sources: {
      "plugin.ts": `import { a } from "./a.ts";\nexport const run = a;`,
      "a.ts": `export { b as a } from "./b.ts";`,
      "b.ts": `import { join } from "path";\nexport const b = () => join("a");`,
    },
    says: /^b\.ts:1:22: "path" is a module of Node.*\n(.*\n)*? {2}imported by a\.ts\n {2}imported by plugin\.ts/,
  },
  {
    title: "a throw at the top level",
    sources: withBody("return [];", `\nfunction fail(): never {\n  throw new TypeError("no");\n}\nfail();`),
    says: /^plugin\.ts:4:\d+: TypeError: no\n(.*\n)*> 4 \|(.*\n)* {2}at plugin\.ts:6:\d+$/,
  },
  {
    title: "a throw of what is no Error",
    sources: "throw 'text';\nexport function run() {}",
    says: /thrown: text/,
  },
  {
    title: "a host call at the top level",
    sources: "const a = Config.get('a');\nexport function run() { return a; }",
    says: /^plugin\.ts:1:\d+: Error: not available while compiling: only handlers can call the host/,
  },
  {
    title: "an endless loop at the top level",
    sources: "while (true) {}\nexport function run() {}",
    says: /^plugin\.ts:1:\d+: not done after 5000 ms: code outside of handlers runs once/,
  },
  {
    title: "a top level that takes all memory",
    sources: "const a: unknown[] = [];\nfor (;;) a.push(new Uint8Array(1_000_000));",
    says: /^plugin\.ts:2:\d+: InternalError: out of memory/,
  },
  {
    title: "a top level that ends the engine itself",
    sources:
      "let a: any = [].values();\nfor (let i = 0; i < 30_000; i++) a = a.map((x: any) => x);\na.next();",
    says: /^plugin\.ts: RangeError: Maximum call stack size exceeded$/,
  },
  { title: "nothing exported", sources: "const a = 1;", says: /^plugin\.ts: nothing is exported: write / },
  {
    title: "only a class exported",
    sources: "export class Run {}",
    says: /^plugin\.ts: the class Run is exported; the gateway can call functions only$/,
  },
  {
    title: "a class exported beside functions",
    sources: "export class Run {}\nexport function run() {}",
    says: /^plugin\.ts: the class Run is exported; the gateway can call functions only$/,
  },
  {
    title: "a function exported as memory",
    sources: "export function memory() {}",
    says: /^plugin\.ts: a function cannot be exported as memory/,
  },
  {
    title: "a default export that is no plugin",
    sources: `export default { name: "made", preRequest() {} };`,
    says: /^plugin\.ts: nothing is exported: write export default definePlugin\(/,
  },
  {
    title: "an unknown hook",
    sources: manifest("hooks: { pre_request: {}, before: {} }"),
    says: /^plugin\.ts: hooks\.before is unknown$/,
  },
  {
    title: "an unknown effect in writes",
    sources: manifest(`hooks: { pre_request: { writes: ["request.method"] } }`),
    says: /^plugin\.ts: hooks\.pre_request\.writes\.0 is "request\.method"; it must match/,
  },
  {
    title: "an unknown capability",
    sources: manifest(`hooks: { pre_request: {} }, capabilities: ["disk"]`),
    says: /^plugin\.ts: capabilities\.0 is "disk"; known are cache, consumers, counters, crypto, http, kv, metrics, secrets/,
  },
  {
    title: "a hook without a handler, and a handler without a hook",
    sources: manifest("hooks: { error: {} }"),
    says: /^plugin\.ts: preRequest\(\) is never called: declare it as hooks\.pre_request.*\nplugin\.ts: hooks\.error is declared, but there is no error\(\)$/,
  },
  {
    title: "a configSchema that is no JSON Schema",
    sources: manifest(`hooks: { pre_request: {} }, configSchema: { properties: { max: { type: "int" } } }`),
    says: /^plugin\.ts: configSchema\.properties\.max\.type is "int"; it must be one of \[.*"integer".*\]$/,
  },
  {
    title: "a file of the SDK that its package does not export",
    sources: `import { compilePlugin } from "@sandgate/plugin-sdk/compile/compile-plugin";\nexport const run = compilePlugin;`,
    says: /^plugin\.ts:1:31: the SDK has no "@sandgate\/plugin-sdk\/compile\/compile-plugin"; it has @sandgate\/plugin-sdk, @sandgate\/plugin-sdk\/effects,/,
  },
  {
    title: "a misspelt member of definePlugin",
    sources: manifest("hooks: { pre_request: {} }, prerequest() {}"),
    says: /^plugin\.ts: prerequest\(\) is no handler: there are configure, preRequest, postRequest, postRequestEvent, error and schedule$/,
  },
  {
    title: "a file that takes away what the SDK needs",
    sources: withBody(
      "return [];",
      "(globalThis as any).JSON = { parse: () => ({}), stringify: () => 'x' };",
    ),
    says: /^plugin\.ts: what it exports cannot be told: its code has changed what is built in/,
  },
  {
    title: "no name",
    sources: `import { definePlugin } from "@sandgate/plugin-sdk";
      export default definePlugin({ version: "1.0.0", hooks: {}, configure() {} } as never);`,
    says: /^plugin\.ts: name is missing$/,
  },
] satisfies readonly { title: string; sources: Sources; says: RegExp }[]) {
  test(`not compiled: ${title}`, async (t) => {
    assert.match(await refusal(t, sources), says);
  });
}

test("a package with the name of a module of Node is taken when it is installed", async (t) => {
  const { exports } = await compileSources(t, {
    "plugin.ts": `import { on } from "events";\nexport const run = () => on;`,
    "node_modules/events/package.json": `{ "name": "events", "main": "index.js" }`,
    "node_modules/events/index.js": "exports.on = 1;",
  });
  assert.deepEqual(exports, ["run"]);
});

test("a warning of the bundler does not stop the build", async (t) => {
  const { warnings } = await compileSources(t, withBody("return [];", "const a = { b: 1, b: 2 };"));
  assert.match(warnings[0]?.text ?? "", /Duplicate key "b"/);
  assert.equal(warnings[0]?.line, 2);
});
