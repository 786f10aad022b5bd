import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type Fixture, FixtureRefused, fixtureFiles, readFixture } from "#sdk/testing/fixture-file.ts";
import type { PluginModule } from "#sdk/testing/modules.ts";
import { type CallReport, runFixture } from "#sdk/testing/run-fixture.ts";
import { replaceFile } from "./replace-file.ts";

export type RunCall = CallReport & {
  /** The file expects now what has come out. */
  readonly isUpdated: boolean;
  readonly isOk: boolean;
};

/** What has become of a file of `fixtures/`. */
export type FixtureRun = {
  readonly file: string;
  /** The file's, without `.json`. */
  readonly name: string;
  /** Empty when nothing was called; `problems` say why then. */
  readonly calls: readonly RunCall[];
  readonly problems: readonly string[];
};

/**
 * The fixtures of a module: those of `NAME/fixtures/` beside `NAME.wasm`, where the source is a folder, else of `fixtures/`
 * beside it. `folder` is the one that was found, or is looked for first.
 */
export async function fixturesOf(
  wasm: string,
): Promise<{ readonly folder: string; readonly files: string[] }> {
  const own = join(dirname(wasm), basename(wasm, ".wasm"));
  const found = (await isFolder(own)) ? own : dirname(wasm);
  const folder = join(found, "fixtures");
  return { folder, files: await fixtureFiles(folder) };
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** @param options.update writes effects that are not those of the file into it; a call that fails is never written */
export async function runFixtureFile(
  module: PluginModule,
  file: string,
  { update }: { readonly update: boolean },
): Promise<FixtureRun> {
  const name = basename(file, ".json");
  try {
    const { fixture, calls, problems } = await runFixture(module, await readFixture(file));
    const runs = calls.map((call) => withVerdict(call, update));
    if (runs.some(({ isUpdated }) => isUpdated)) await write(fixture, runs);
    return { file, name, calls: runs, problems };
  } catch (thrown) {
    if (!(thrown instanceof FixtureRefused)) throw thrown;
    return { file, name, calls: [], problems: thrown.message.split("\n") };
  }
}

function withVerdict(call: CallReport, update: boolean): RunCall {
  const isAboutEffects = call.actual.outcome === "ok" && call.call.expect?.outcome === undefined;
  const isUpdated = update && isAboutEffects && !call.isExpected && call.problems.length === 0;
  return { ...call, isUpdated, isOk: call.problems.length === 0 && (call.isExpected || isUpdated) };
}

async function write({ file, value }: Fixture, runs: readonly RunCall[]): Promise<void> {
  const { calls } = value;
  const next = Array.isArray(calls)
    ? { ...value, calls: calls.map((call, index) => withExpectation(call as object, runs[index])) }
    : withExpectation(value, runs[0]);
  await replaceFile(file, Buffer.from(`${JSON.stringify(next, null, 2)}\n`));
}

function withExpectation(call: object, run: RunCall | undefined): object {
  if (run === undefined || !run.isUpdated || run.actual.outcome !== "ok") return call;
  return { ...call, expect: { effects: run.actual.effects } };
}
