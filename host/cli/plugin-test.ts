import { basename } from "node:path";
import { Command } from "commander";
import { isStale } from "#sdk/compile/stale.ts";
import { type PluginModule, pluginModule } from "#sdk/testing/modules.ts";
import { PluginRefused } from "#sdk/testing/plugin-refused.ts";
import { buildTarget, targetsOf } from "./build-target.ts";
import { paint, plainLines } from "./dev/report.ts";
import { callName, fixtureText } from "./fixture-report.ts";
import { type FixtureRun, fixturesOf, runFixtureFile } from "./fixture-run.ts";

type Options = { readonly update?: true; readonly filter?: string; readonly json?: true };

const fixtureHelp = `
A fixture is a JSON file of the folder fixtures/ beside plugin.ts or the .wasm:
  hook, input        what is called with what (docs/plugins.md)
  expect             { effects } or { outcome, error }: error is a part of the message
  maxFuel, now       most fuel of the call; what the plugin's clock says, as 2030-01-01T00:00:00Z
  config, grants     as a binding has them
  consumers, secrets their keys by name; values by name
  http               in order what is sent and answered: [{ request, response }]; a secret is {{secret:NAME}}
  calls              several of the first five in order, in place of one; they share what the plugin keeps
  note               for people
`;

/** Of all plugins together. */
type Tally = { fixtures: number; passed: number; failed: number; updated: number };

/** `sandgate plugin test`: every fixture in the gateway's own sandbox. Exit code 0 when all are as expected, else 1. */
export function pluginTestCommand(): Command {
  return new Command("test")
    .description("run the fixtures of plugins in the gateway's sandbox; what is out of date is built first")
    .argument("<path>", "the folder of a plugin, its .ts file, its .wasm, or a folder of plugins")
    .option(
      "--update",
      "write effects that are not those of a fixture into it; failing calls are never written",
    )
    .option("--filter <text>", "only fixtures with this text in their name")
    .option("--json", "print a line of JSON for each call")
    .addHelpText("after", fixtureHelp)
    .action(async (path: string, options: Options) => {
      const modules = path.endsWith(".wasm") ? [path] : await builtModules(path);
      const tally: Tally = { fixtures: 0, passed: 0, failed: 0, updated: 0 };
      for (const wasm of modules) {
        if (wasm === null) tally.failed++;
        else await testModule(wasm, options, tally);
      }
      const { fixtures, passed, failed, updated } = tally;
      if (fixtures + failed === 0) {
        process.stderr.write(`${path}: ${nothingRan(options)}\n`);
        tally.failed++;
      } else if (fixtures > 0 && !options.json) {
        const parts = [`${passed} passed`, `${failed} failed`, `${updated} written`];
        const shown = parts.filter((part) => !part.startsWith("0 "));
        process.stdout.write(`${paint(failed > 0 ? "red" : "green", shown.join(", "))}\n`);
      }
      process.exitCode = tally.failed > 0 ? 1 : 0;
    });
}

function nothingRan({ filter }: Options): string {
  return filter === undefined ? "no plugins to test" : `no fixture has "${filter}" in its name`;
}

/** The modules that a path means, built where they are out of date; null in place of one that cannot be built. */
async function builtModules(path: string): Promise<(string | null)[]> {
  const targets = await targetsOf(path);
  if (targets === null) return [null];
  const modules: (string | null)[] = [];
  for (const target of targets) {
    const built = !(await isStale(target)) || (await buildTarget(target, printAside)) !== null;
    modules.push(built ? target.output : null);
  }
  return modules;
}

/** Standard output is for what the fixtures have to say. */
function printAside(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function testModule(wasm: string, options: Options, tally: Tally): Promise<void> {
  const module = await load(wasm);
  if (module === null) {
    tally.failed++;
    return;
  }
  const { folder, files } = await fixturesOf(wasm);
  if (files.length === 0) {
    process.stderr.write(`${folder}: there are no fixtures; ${hint(module)}\n`);
    tally.failed++;
    return;
  }
  const { filter = "", update = false } = options;
  const wanted = files.filter((file) => basename(file, ".json").includes(filter));
  if (wanted.length > 0 && !options.json) process.stdout.write(`${paint("bold", module.manifest.name)}\n`);
  const width = Math.max(...wanted.map((file) => basename(file, ".json").length));
  for (const file of wanted) {
    const run = await runFixtureFile(module, file, { update });
    count(run, tally);
    const text = options.json ? jsonLines(module, run) : fixtureText(run, width);
    process.stdout.write(`${text}\n`);
  }
}

async function load(wasm: string): Promise<PluginModule | null> {
  try {
    return await pluginModule(wasm);
  } catch (thrown) {
    if (!(thrown instanceof PluginRefused)) throw thrown;
    process.stderr.write(`${plainLines(thrown.message)}\n`);
    return null;
  }
}

function hint({ manifest: { hooks } }: PluginModule): string {
  const [hook = "pre_request"] = Object.keys(hooks);
  const stage = hook.replace("_", "-");
  return `write one, as first.json: {"hook":"${hook}","input":{"stage":"${stage}"}}, and let --update add the effects`;
}

function count({ calls, problems }: FixtureRun, tally: Tally): void {
  tally.fixtures++;
  const isOk = problems.length === 0 && calls.every((call) => call.isOk);
  if (isOk) tally.passed++;
  else tally.failed++;
  if (calls.some(({ isUpdated }) => isUpdated)) tally.updated++;
}

function jsonLines({ manifest }: PluginModule, { file, name, calls, problems }: FixtureRun): string {
  const about = { plugin: manifest.name, file };
  const lines = calls.map(({ call, actual, fuel, durationUs, memoryPages, ...rest }, index) => ({
    ...about,
    name: callName(name, calls.length > 1 ? index : null),
    ok: rest.isOk,
    updated: rest.isUpdated,
    fuel,
    durationUs,
    memoryPages,
    expected: call.expect ?? null,
    actual: actual.outcome === "ok" ? { effects: actual.effects } : actual,
    problems: rest.problems,
  }));
  const whole = problems.length > 0 ? [{ ...about, name, ok: false, problems }] : [];
  return [...lines, ...whole].map((line) => JSON.stringify(line)).join("\n");
}
