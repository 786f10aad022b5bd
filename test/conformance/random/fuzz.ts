import { AssertionError } from "node:assert";
import { parseArgs } from "node:util";
import { type Compared, compareRandom } from "./compare.ts";
import { createGenerator } from "./generate.ts";

/** What a run of seeds found. Each failure names the seed that shows it again with `--from SEED --count 1`. */
export type Findings = {
  modules: number;
  compared: number;
  functions: number;
  calls: number;
  trapped: number;
  readonly failures: { readonly seed: number; readonly message: string }[];
};

const progressEvery = 200;

/**
 * `node test/conformance/random/fuzz.ts [--from SEED] [--count N] [--json]`: compares random modules until stopped,
 * or so many. Exit code 1 when any differed from what the sandbox made of it.
 */
const { values } = parseArgs({
  options: { from: { type: "string" }, count: { type: "string" }, json: { type: "boolean", default: false } },
});
const first = values.from === undefined ? Date.now() % 2 ** 31 : Number(values.from);
const count = values.count === undefined ? Number.POSITIVE_INFINITY : Number(values.count);
if (!Number.isSafeInteger(first) || !(count >= 1)) throw new RangeError("--from and --count are integers");

const found: Findings = { modules: 0, compared: 0, functions: 0, calls: 0, trapped: 0, failures: [] };
const generator = createGenerator();
process.on("exit", () => generator.close());
process.on("SIGINT", () => process.exit(report()));

for (let seed = first; seed < first + count; seed++) {
  add(await outcomeOf(seed));
  if (!values.json && found.modules % progressEvery === 0) report();
}
process.exitCode = report();

async function outcomeOf(seed: number): Promise<Compared> {
  const bytes = await generator.generate(seed);
  try {
    return await compareRandom(bytes, seed);
  } catch (thrown) {
    if (!(thrown instanceof AssertionError)) throw new Error(`seed ${seed}`, { cause: thrown });
    found.failures.push({ seed, message: thrown.message });
    if (!values.json) process.stdout.write(`seed ${seed}: ${thrown.message}\n`);
    return { compared: true, functions: 0, calls: 0, trapped: 0 };
  }
}

function add({ compared, functions, calls, trapped }: Compared): void {
  found.modules += 1;
  if (compared) found.compared += 1;
  found.functions += functions;
  found.calls += calls;
  found.trapped += trapped;
}

/** Prints what was found so far and answers the exit code. */
function report(): 0 | 1 {
  const { failures, ...counts } = found;
  const text = Object.entries({ ...counts, failures: failures.length }).map(([name, n]) => `${n} ${name}`);
  process.stdout.write(values.json ? `${JSON.stringify(found)}\n` : `from ${first}: ${text.join(", ")}\n`);
  return failures.length === 0 ? 0 : 1;
}
