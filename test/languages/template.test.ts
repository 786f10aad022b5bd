import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import type { PrintedResult } from "#host/cli/printed-result.ts";
import { runCommand } from "#test/cli/command.ts";
import { newTemplate } from "./assembly-script.ts";
import { runShell, type ShellResult } from "./shell.ts";

const template = join(import.meta.dirname, "../../plugin-sdk/templates/assemblyscript");
const fixtures = globSync("fixtures/*.json", { cwd: template });

let folder = "";
let build: ShellResult;

before(async () => {
  folder = await newTemplate("token-limit");
  const { scripts } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  build = await runShell(scripts.build, folder);
});
after(() => rm(folder, { recursive: true }));

test("the AssemblyScript template builds at once, to a module that the gateway admits", () => {
  assert.equal(build.code, 0, build.stderr);
  assert.match(build.stdout, /^token-limit\.wasm {2}\d+ bytes {2}admitted\n$/);
  assert.equal(build.stderr, "");
});

assert.ok(fixtures.length >= 3);
for (const fixture of fixtures) {
  test(`the AssemblyScript template passes ${basename(fixture)}`, async () => {
    const { hook, config, input, expect, maxFuel } = JSON.parse(
      await readFile(join(folder, fixture), "utf8"),
    );
    const pairs = Object.entries(config ?? {}).flatMap(([key, value]) => ["--config", `${key}=${value}`]);
    const args = [
      "plugin",
      "run",
      join(folder, "token-limit.wasm"),
      "--call",
      hook,
      "--input",
      "-",
      "--json",
    ];
    const { stdout } = await runCommand([...args, ...pairs], { input: JSON.stringify(input) });
    const { outcome, output, fuelUsed, error } = JSON.parse(stdout) as PrintedResult;
    assert.equal(outcome, "ok", error ?? "");
    assert.deepEqual(JSON.parse(output ?? ""), expect);
    assert.ok(fuelUsed <= maxFuel, `${fuelUsed} units`);
  });
}
