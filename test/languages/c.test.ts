import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startTestGateway } from "#test/harness.ts";
import { textOf } from "#test/sandbox/fixture.ts";
import { openModule } from "./open-module.ts";
import { readPage } from "./page.ts";
import { runShell } from "./shell.ts";

const tools =
  "docs/plugins-in-c.md is tested with clang and its tools: apt-get install clang lld wasi-libc libclang-rt-dev-wasm32";

let wasm: Uint8Array = new Uint8Array(0);
let printed = "";

/** Does what the page says, in an empty folder. */
before(async () => {
  const folder = await mkdtemp(join(tmpdir(), "sandgate-c-"));
  after(() => rm(folder, { recursive: true }));
  assert.equal((await runShell("clang --print-targets && command -v wasm-ld", folder)).code, 0, tools);
  const { files, commands } = await readPage("plugins-in-c.md");
  assert.deepEqual(Object.keys(files), ["team-only.c", "manifest.json"]);
  assert.equal(commands.length, 2);
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  for (const command of commands) {
    const { code, stdout, stderr } = await runShell(`set -e\n${command}`, folder);
    assert.equal(code, 0, `${command}\n${stderr}\n${tools}`);
    assert.doesNotMatch(stderr, /team-only\.c:\d+/, "a warning of the compiler");
    printed += stdout;
  }
  wasm = await readFile(join(folder, "team-only.wasm"));
});

const inputWith = (headers: Readonly<Record<string, string>>) => ({
  stage: "pre-request",
  request: { headers },
});

test("the commands of docs/plugins-in-c.md build a plugin and show its effect", () => {
  assert.match(printed, /^team-only\.wasm {2}\d+ bytes {2}admitted\noutcome {7}ok\n/);
  const effect = { type: "set-header", on: "request", name: "x-billed-to", value: "search" };
  assert.ok(printed.includes(JSON.stringify({ effects: [effect] })), printed);
});

test("the plugin in C reads any value of its header, and never takes the value for more", async (t) => {
  const { call } = await openModule(t, wasm);
  for (const value of [
    "search",
    "",
    'a "quoted" one',
    "back\\slash\\",
    '","x-team":"other',
    "é 😀",
    "x".repeat(15_000),
  ]) {
    const result = await call("pre_request", inputWith({ "x-team": value }));
    assert.equal(result.outcome, "ok", result.error ?? "");
    const [effect] = JSON.parse(textOf(result)).effects;
    assert.deepEqual(effect, { type: "set-header", on: "request", name: "x-billed-to", value });
  }
});

test("the plugin in C says why it cannot read its input, and the next call is well", async (t) => {
  const { call } = await openModule(t, wasm);
  const { outcome, error } = await call("pre_request", inputWith({ "x-team": "x".repeat(20_000) }));
  assert.deepEqual([outcome, error], ["error", "the input is longer than this plugin reads"]);
  assert.equal((await call("pre_request", '{"request":{"headers":{"x-team":"a')).outcome, "error");
  assert.equal((await call("pre_request", inputWith({}))).outcome, "ok");
});

test("a gateway with the plugin in C answers 403 without a team, and hands a team on", async (t) => {
  const gateway = await startTestGateway(t, {
    plugins: { "team-only": wasm },
    config: {
      gateway: { use: [{ plugin: "team-only" }] },
      services: { mock: { provider: "mock" } },
      routes: { chat: { match: { paths: ["/v1/*"] }, service: "mock" } },
    },
  });
  const body = { model: "mock", messages: [{ role: "user", content: "Hello" }] };
  const refused = await gateway.post("/v1/chat/completions", body);
  assert.equal(refused.status, 403);
  assert.match(await refused.text(), /Send the header x-team\./);
  const passed = await gateway.post("/v1/chat/completions", body, { "x-team": 'r&d "lab"' });
  assert.equal(passed.status, 200);
  const { sandgate_mock } = (await passed.json()) as { sandgate_mock: { headers: Record<string, string> } };
  assert.equal(sandgate_mock.headers["x-billed-to"], 'r&d "lab"');
});
