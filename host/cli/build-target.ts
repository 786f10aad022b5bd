import { basename, dirname, relative } from "node:path";
import { performance } from "node:perf_hooks";
import { moduleLimits } from "#host/limits.ts";
import { checkTypes } from "#sdk/compile/check-types.ts";
import { type CompiledPlugin, compilePlugin } from "#sdk/compile/compile-plugin.ts";
import { CompileFailed, type Problem, problemText, wholeFile } from "#sdk/compile/problem.ts";
import { findTargets, NoTarget, type Target } from "#sdk/compile/targets.ts";
import { weightText } from "#sdk/compile/weights.ts";
import { replaceFile } from "./replace-file.ts";

/** The plugins that a path means; null when it names none, which is printed then. */
export async function targetsOf(path: string): Promise<Target[] | null> {
  try {
    return await findTargets(path);
  } catch (thrown) {
    if (!(thrown instanceof NoTarget)) throw thrown;
    process.stderr.write(`${thrown.message}\n`);
    return null;
  }
}

/**
 * Compiles a plugin, checks its types and writes the module, with a line of what it made.
 * @returns null when the plugin has errors, which are printed then; a module that was there stays
 */
export async function buildTarget(
  { entry, output }: Target,
  print: (line: string) => void,
): Promise<CompiledPlugin | null> {
  const startedAt = performance.now();
  try {
    const [compiled, typeErrors] = await Promise.all([compilePlugin(entry), checkTypes(entry)]);
    const { wasm, warnings } = compiled;
    if (typeErrors.length > 0) throw new CompileFailed(typeErrors);
    printProblems(entry, warnings, "warning: ");
    if (wasm.length > moduleLimits.moduleBytesHard) {
      throw new CompileFailed([tooLarge(entry, compiled, `${moduleLimits.moduleBytesHard}`)]);
    }
    if (wasm.length > moduleLimits.moduleBytes) {
      const most = `${moduleLimits.moduleBytes} unless its config allows more`;
      printProblems(entry, [tooLarge(entry, compiled, most)], "warning: ");
    }
    await replaceFile(output, wasm);
    const ms = Math.round(performance.now() - startedAt);
    print(`${output}  ${Math.ceil(wasm.length / 1024)} KiB  ${ms} ms`);
    return compiled;
  } catch (thrown) {
    if (!(thrown instanceof CompileFailed)) throw thrown;
    printProblems(entry, thrown.problems, "");
    return null;
  }
}

/** With what it consists of: the largest parts, and who imports them. */
function tooLarge(entry: string, { wasm, weights }: CompiledPlugin, most: string): Problem {
  const text = `the module is ${wasm.length} bytes; a gateway takes at most ${most}`;
  return { ...wholeFile(basename(entry), text), notes: weights.slice(0, partsShown).map(weightText) };
}

const partsShown = 5;

function printProblems(entry: string, problems: readonly Problem[], kind: string): void {
  const folder = relative(process.cwd(), dirname(entry));
  for (const problem of problems) {
    process.stderr.write(`${problemText({ ...problem, text: `${kind}${problem.text}` }, folder)}\n`);
  }
}
