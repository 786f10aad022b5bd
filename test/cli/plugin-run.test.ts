import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import type { PrintedResult } from "#host/cli/printed-result.ts";
import { assembleWat, env, helpersWat } from "#test/sandbox/fixture.ts";
import { withManifest } from "#test/wat-plugin.ts";
import { runCommand } from "./command.ts";

const input = join(mkdtempSync(join(tmpdir(), "sandgate-")), "input.json");
writeFileSync(input, JSON.stringify({ stage: "pre-request", request: { headers: { "x-api-key": "sk-x" } } }));
after(() => rmSync(dirname(input), { recursive: true }));

async function run(...options: string[]): Promise<PrintedResult> {
  const call = ["--call", "pre_request", "--input", input, "--json"];
  const args = ["plugin", "run", "plugins/key-auth.wasm", ...call, ...options];
  return JSON.parse((await runCommand(args)).stdout) as PrintedResult;
}

test("the config that a plugin gets has the defaults of its schema, as a binding's has", async () => {
  assert.equal((await run()).outcome, "ok");
});

test("a config that the plugin's schema refuses is rejected with the key that was meant", async () => {
  const { outcome, error } = await run("--config", 'headrs=["x-api-key"]', "--config", 'headers=["cookie"]');
  assert.equal(outcome, "rejected");
  assert.match(error ?? "", /config\.headrs: unknown key, did you mean "headers"\?/);
  assert.match(error ?? "", /config\.headers\.0: /);
});

test("a plugin may keep what ends with the run", async () => {
  const bytes = assembleWat(`(module ${env}
    (import "extism:host/user" "kv_get" (func $get (param i64) (result i64)))
    (import "extism:host/user" "kv_set" (func $set (param i64 i64 i64)))
    (memory 1) (data (i32.const 0) "kept") ${helpersWat}
    (func $kept (result i64) (call $block (i32.const 0) (i32.const 4)))
    (func (export "pre_request")
      (call $answer (call $get (call $kept)))
      (call $set (call $kept) (call $kept) (i64.const 0))))`);
  const manifest = {
    name: "keeps",
    version: "1.0.0",
    abi: 1,
    hooks: { pre_request: {} },
    capabilities: ["kv"],
  };
  const file = join(dirname(input), "keeps.wasm");
  writeFileSync(file, withManifest(bytes, manifest));
  const call = ["--call", "pre_request", "--json", "--repeat"];
  const outputs = ["1", "2"].map(
    async (repeat) => JSON.parse((await runCommand(["plugin", "run", file, ...call, repeat])).stdout).output,
  );
  assert.deepEqual(await Promise.all(outputs), ["", "kept"]);
});
