import { rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, relative } from "node:path";
import { Command } from "commander";
import { moduleLimits } from "#host/limits.ts";
import { checkTypes } from "#sdk/compile/check-types.ts";
import { compilePlugin } from "#sdk/compile/compile-plugin.ts";
import { CompileFailed, type Problem, problemText, wholeFile } from "#sdk/compile/problem.ts";
import { isStale } from "#sdk/compile/stale.ts";
import { findTargets, NoTarget, type Target } from "#sdk/compile/targets.ts";

/** `sandgate plugin build`: TypeScript to `.wasm`. A plugin that fails does not stop the others; exit code 1 then. */
export function pluginBuildCommand(): Command {
  return new Command("build")
    .description("compile plugins from TypeScript; each .wasm lies beside its file or folder")
    .argument("<path>", "a .ts file, the folder of a plugin, or a folder of plugins")
    .option("--stale", "only what is older than its sources, the SDK or the engine")
    .action(async (path: string, { stale = false }: { stale?: boolean }) => {
      const targets = await targetsOf(path);
      if (targets?.length === 0) process.stderr.write(`${path}: no plugins to build\n`);
      let ok = targets !== null;
      for (const target of targets ?? []) {
        if (stale && !(await isStale(target))) continue;
        if (!(await make(target))) ok = false;
      }
      if (!ok) process.exitCode = 1;
    });
}

async function targetsOf(path: string): Promise<Target[] | null> {
  try {
    return await findTargets(path);
  } catch (thrown) {
    if (!(thrown instanceof NoTarget)) throw thrown;
    process.stderr.write(`${thrown.message}\n`);
    return null;
  }
}

/** False when the plugin has errors, which are printed then; a module that was there stays. */
async function make({ entry, output }: Target): Promise<boolean> {
  const startedAt = performance.now();
  try {
    const [{ wasm, warnings }, typeErrors] = await Promise.all([compilePlugin(entry), checkTypes(entry)]);
    if (typeErrors.length > 0) throw new CompileFailed(typeErrors);
    print(entry, warnings, "warning: ");
    if (wasm.length > moduleLimits.moduleBytesHard) {
      throw new CompileFailed([wholeFile(basename(entry), tooLarge(wasm, moduleLimits.moduleBytesHard))]);
    }
    if (wasm.length > moduleLimits.moduleBytes) {
      const text = `${tooLarge(wasm, moduleLimits.moduleBytes)} unless its config allows more`;
      print(entry, [wholeFile(basename(entry), text)], "warning: ");
    }
    await replace(output, wasm);
    const ms = Math.round(performance.now() - startedAt);
    process.stdout.write(`${output}  ${Math.ceil(wasm.length / 1024)} KiB  ${ms} ms\n`);
    return true;
  } catch (thrown) {
    if (!(thrown instanceof CompileFailed)) throw thrown;
    print(entry, thrown.problems, "");
    return false;
  }
}

function tooLarge(wasm: Uint8Array, most: number): string {
  return `the module is ${wasm.length} bytes; a gateway takes at most ${most}`;
}

function print(entry: string, problems: readonly Problem[], kind: string): void {
  const folder = relative(process.cwd(), dirname(entry));
  for (const problem of problems) {
    process.stderr.write(`${problemText({ ...problem, text: `${kind}${problem.text}` }, folder)}\n`);
  }
}

/** The gateway watches the folder and must never see half a module. */
async function replace(file: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, bytes);
    await rename(temporary, file);
  } finally {
    await rm(temporary, { force: true });
  }
}
