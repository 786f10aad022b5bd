import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { runCommand } from "../cli/command.ts";
import { type BuiltPlugins, buildPlugins, calling, runFixtures, small } from "./fixture-folder.ts";
import { withBody, writeSources } from "./source-plugin.ts";

let built: BuiltPlugins;
before(async () => {
  built = await buildPlugins();
});
after(() => built?.remove());

const failures = [
  [
    "fuel",
    calling("patch", { expect: { effects: [small] }, maxFuel: 1000 }),
    /it took \d+ fuel; maxFuel is 1000/,
  ],
  [
    "another outcome",
    calling("throw", { expect: { effects: [] } }),
    /\+ outcome error\n +\+ Error: thrown on purpose/,
  ],
  [
    "another error",
    calling("throw", { expect: { outcome: "error", error: "b" } }),
    /- b\n +\+ Error: thrown/,
  ],
  ["no expectation", calling("patch"), /there is no expect; --update writes these effects/],
  [
    "effects that the gateway refuses",
    calling("header date", {
      expect: { effects: [{ type: "set-header", on: "request", name: "date", value: "" }] },
    }),
    /output\/effects\/0 \(set-header\): only the host sets date/,
  ],
  [
    "a patch without a body",
    {
      ...calling("patch", { expect: { effects: [small] } }),
      input: { stage: "pre-request", request: { path: "/", headers: { "x-do": "patch" } } },
    },
    /output\/effects\/0 \(patch-body\): the request has no JSON body/,
  ],
  [
    "an input that is never delivered",
    {
      hook: "pre_request",
      input: { stage: "pre-request", request: { method: "GET" } },
      expect: { effects: [] },
    },
    /input\.request\.method is never delivered: the manifest's reads of pre_request do not name it/,
  ],
  [
    "a credential in the input",
    {
      hook: "pre_request",
      input: { stage: "pre-request", request: { headers: { authorization: "Bearer k" } } },
      expect: { effects: [] },
    },
    /input\.request\.headers\.authorization is never delivered/,
  ],
  ["another stage", { ...calling("patch"), input: { stage: "error" } }, /input\.stage must be "pre-request"/],
  ["a refused config", calling("patch", { config: { limit: "a" } }), /config\.limit: must be integer/],
  [
    "an unknown grant",
    calling("patch", { grants: { htp: ["a"] } }),
    /grants\.htp: unknown key, did you mean "http"\?/,
  ],
  [
    "an unknown member",
    calling("patch", { expct: {} }),
    /fixtures\/it-\d+\.json: expct: unknown key, did you mean "expect"\?/,
  ],
  [
    "an unknown hook",
    { ...calling("patch"), hook: "prerequest" },
    /it-\d+\.json: hook: must be one of .*, did you mean "pre_request"\?/,
  ],
  [
    "two expectations",
    calling("patch", { expect: { effects: [], outcome: "trap" } }),
    /expect: must have either effects or outcome/,
  ],
  [
    "an input that is none",
    { hook: "pre_request", input: { stage: "pre-request", request: 3 } },
    /input\.request: must be a map/,
  ],
  ["text that is no JSON", "{ 'a' }", /fixtures\/it-\d+\.json: not JSON: /],
] as const;

test("a fixture fails, and says why", async (t) => {
  const named = failures.map(([, fixture], index) => [`it-${index}`, fixture]);
  const { code, stdout, stderr } = await runFixtures(
    await built.withFixtures(t, "doing", Object.fromEntries(named)),
  );
  assert.deepEqual([code, stderr], [1, ""]);
  const sections = stdout.split(/^(?= {2}\S)/m);
  for (const [index, [name, , says]] of failures.entries()) {
    await t.test(name, () => {
      const section = sections.find((text) => new RegExp(`^ {2}FAIL {2}it-${index}\\s`).test(text));
      assert.match(section ?? stdout, says);
    });
  }
  assert.equal(sections.length, failures.length + 1);
});

test("a plugin that cannot be built or loaded fails, and the others are tested", async (t) => {
  const fixture = { expect: { effects: [] }, hook: "pre_request", input: { stage: "pre-request" } };
  const folder = await writeSources(t, {
    "a/plugin.ts": "export default 1 +;",
    "b/plugin.ts": withBody("return [];"),
    "b/fixtures/one.json": JSON.stringify(fixture),
    "c/plugin.ts": "export function run() {}",
  });
  const test = (path: string) => runCommand(["plugin", "test", path], { cwd: folder });
  const { code, stdout, stderr } = await test(".");
  assert.equal(code, 1);
  assert.match(stderr, /^a\/plugin\.ts:1:\d+: /m);
  assert.match(stderr, /^b\.wasm {2}\d+ KiB/m);
  assert.match(stderr, /^c\.wasm: the module has no manifest$/m);
  assert.match(stdout, /^made\n {2}ok {4}one .*\n1 passed, 2 failed\n$/);
  const again = await test("b");
  assert.deepEqual([again.code, again.stderr], [0, ""]);
});

for (const [path, says] of [
  ["gone", "gone: no such file or folder\n"],
  ["gone.wasm", "gone.wasm: no such file\n"],
  ["notes.md", "notes.md: not a .ts or .js file\n"],
  [".", ".: no plugins to test\n"],
] as const) {
  test(`nothing to test: ${path}`, async (t) => {
    const folder = await writeSources(t, { "notes.md": "" });
    const { code, stdout, stderr } = await runCommand(["plugin", "test", path], { cwd: folder });
    assert.deepEqual([code, stdout, stderr], [1, "", says]);
  });
}
