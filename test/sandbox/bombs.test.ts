import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type BombResult, bombs } from "./bombs.ts";

const run = promisify(execFile);

test("structural bombs are rejected by name, cost hardly any memory, and the process lives", async (t) => {
  // In a process of its own: what memory it took shows there, and a bomb that goes off ends nothing else.
  const program = fileURLToPath(new URL("bombs.ts", import.meta.url));
  const { stdout } = await run(process.execPath, ["--disable-warning=ExperimentalWarning", program]);
  const results = JSON.parse(stdout) as Record<string, BombResult>;
  for (const [name, { outcome, maxMib }] of Object.entries(bombs)) {
    await t.test(`${outcome}: ${name}, within ${maxMib} MiB`, () => {
      const result = results[name];
      assert.equal(result?.outcome, outcome);
      assert.equal(result.after, "ok");
      assert.ok(result.grownMib <= maxMib, `${result.grownMib} MiB`);
    });
  }
});
