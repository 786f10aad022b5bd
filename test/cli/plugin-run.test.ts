import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import type { PrintedResult } from "#host/cli/printed-result.ts";
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
