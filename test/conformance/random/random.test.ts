import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import type { Findings } from "./fuzz.ts";

/** Two processes, because making a module takes longer than comparing it. */
const ranges = [
  ["0", "1030"],
  ["1000000", "1030"],
] as const;

async function fuzz(from: string, count: string): Promise<Findings> {
  const script = join(import.meta.dirname, "fuzz.ts");
  const args = ["--disable-warning=ExperimentalWarning", script, "--from", from, "--count", count, "--json"];
  const run = promisify(execFile)(process.execPath, args, { timeout: 300_000 });
  const { stdout } = await run.catch((failed: { stdout: string }) => {
    // A run with failures exits with 1 and has printed them.
    if (failed.stdout === "") throw failed;
    return failed;
  });
  return JSON.parse(stdout) as Findings;
}

test("two thousand random modules do the same with metering as without, call by call, and pay the same twice", async () => {
  const all = await Promise.all(ranges.map(([from, count]) => fuzz(from, count)));
  assert.deepEqual(
    all.flatMap(({ failures }) => failures),
    [],
  );
  const sum = (count: (one: Findings) => number) => all.reduce((total, one) => total + count(one), 0);
  // The others are not admitted: an imported global, an instruction of a feature outside the allow-list.
  assert.ok(sum((one) => one.compared) >= 2_000, `${sum((one) => one.compared)} modules`);
  assert.ok(sum((one) => one.calls) >= 50_000, `${sum((one) => one.calls)} calls`);
  // A corpus that only traps would compare little.
  assert.ok(sum((one) => one.trapped) < sum((one) => one.calls) / 2);
});
