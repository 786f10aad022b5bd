import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { runCommand } from "../cli/command.ts";
import { doingSource } from "./doing-plugin.ts";
import { calling, small } from "./fixture-folder.ts";
import { writeSources } from "./source-plugin.ts";

test("--report says what is in a module and what its fixtures cost; a fixture that fails fails no build", async (t) => {
  const folder = await writeSources(t, {
    "it/plugin.ts": doingSource,
    "it/fixtures/good.json": JSON.stringify(calling("patch", { expect: { effects: [small] } })),
    "it/fixtures/bad.json": JSON.stringify(calling("patch", { expect: { effects: [] } })),
    "it/fixtures/none.json": "{}",
  });
  const { code, stdout, stderr } = await runCommand(["plugin", "build", "it", "--report"], { cwd: folder });
  assert.deepEqual([code, stderr], [0, ""]);
  const lines = stdout.trimEnd().split("\n");
  for (const [index, pattern] of [
    /^it\.wasm {2}\d+ KiB {2}\d+ ms$/,
    /^ {2}size {6}\d{6} bytes; \d{6} with gzip$/,
    /^ {2}hooks {5}pre_request, post_request, error$/,
    /^ {2}imports {3}\d+ functions that every plugin may import$/,
    /^ {2}imports {3}http: http_headers, http_request, http_status_code$/,
    /^ {2}imports {3}metrics: metrics_record$/,
    /^ {2}code {6}the plugin's own files: \d+ KiB of code$/,
    /^ {2}fixture {3}bad: \d+ fuel, not as expected$/,
    /^ {2}fixture {3}good: \d+ fuel$/,
    /^ {2}fixture {3}none: .*none\.json: hook: is missing/,
  ].entries()) {
    assert.match(lines[index] ?? "", pattern);
  }
});

test("--report of plain functions names the exports, and calls nothing", async (t) => {
  const folder = await writeSources(t, { "plain.ts": "export function run() { return 0; }\n" });
  const { code, stdout } = await runCommand(["plugin", "build", join(folder, "plain.ts"), "--report"]);
  assert.equal(code, 0);
  assert.match(stdout, /^ {2}exports {3}run$/m);
  assert.doesNotMatch(stdout, /fixture/);
});
