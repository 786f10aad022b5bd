import { readdir } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { performance } from "node:perf_hooks";
import { watchFiles } from "#host/watch.ts";
import { checkTypes } from "#sdk/compile/check-types.ts";
import { compilePlugin } from "#sdk/compile/compile-plugin.ts";
import { CompileFailed, type Problem, problemText, wholeFile } from "#sdk/compile/problem.ts";
import type { Module } from "./home.ts";

export type Built = Module & {
  /** From the start of the compiler to its end. */
  readonly buildMs: number;
  readonly warnings: readonly string[];
};

export type BuildListener = {
  /** The next build begins when it is over. */
  onBuilt(built: Built): Promise<void>;
  /** Why there is no module, printable. */
  onFailed(text: string): void;
  /** What the type checker says of the last build, some time after it; empty when all is well. */
  onTypes(errors: readonly string[]): void;
  onFault(fault: unknown): void;
};

/**
 * Builds a plugin now, and again whenever one of its sources changes. The types are checked beside: that takes
 * longer than a build, and a plugin with a type error runs.
 */
export function buildOnChange(
  entry: string,
  listener: BuildListener,
): { readonly first: Promise<void>; close(): Promise<void> } {
  const folder = dirname(resolve(entry));
  let inputs: readonly string[] = [resolve(entry)];
  let builds = 0;
  /** The build whose types are asked for; null when nothing can be built. */
  let wanted: number | null = null;
  let checking = false;
  let closed = false;

  async function build(): Promise<void> {
    const startedMs = performance.now();
    builds++;
    wanted = null;
    try {
      const { wasm, manifest, warnings, ...compiled } = await compilePlugin(entry);
      inputs = compiled.inputs;
      await watcher.update({ files: inputs, folders: [] });
      if (manifest === null) {
        listener.onFailed(`${entry}: no plugin: it exports no definePlugin() as its default`);
        return;
      }
      const buildMs = performance.now() - startedMs;
      await listener.onBuilt({ wasm, manifest, buildMs, warnings: texts(warnings, "warning: ") });
      wanted = builds;
      if (!checking) check();
    } catch (thrown) {
      if (!(thrown instanceof CompileFailed)) throw thrown;
      const files = [...inputs, ...(await sourcesIn(folder)), ...missingIn(thrown.problems, folder)];
      await watcher.update({ files: [...new Set(files)], folders: [] });
      listener.onFailed(texts(thrown.problems, "").join("\n"));
    }
  }

  /** One checker at a time; what it says of a build that is no longer the last is not told. */
  async function check(): Promise<void> {
    checking = true;
    for (let checked: number | null = null; wanted !== checked && wanted !== null && !closed; ) {
      checked = wanted;
      const errors = await checkTypes(entry).catch((thrown: Error) => [wholeFile(null, thrown.message)]);
      if (checked === wanted && !closed) listener.onTypes(texts(errors, ""));
    }
    checking = false;
  }

  function texts(problems: readonly Problem[], kind: string): string[] {
    const shown = relative(process.cwd(), folder);
    return problems.map((problem) => problemText({ ...problem, text: `${kind}${problem.text}` }, shown));
  }

  let queue = Promise.resolve();
  const inTurn = () => {
    queue = queue.then(build, build);
    return queue;
  };
  const watcher = watchFiles({ files: inputs, folders: [] }, inTurn, { onError: listener.onFault });
  return {
    first: watcher.ready.then(inTurn),
    async close() {
      closed = true;
      await watcher.close();
    },
  };
}

/** While nothing can be built, any source beside the plugin may be what is missing. */
async function sourcesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && /\.([cm]?[jt]s|json)$/.test(entry.name))
    .map(({ name }) => join(folder, name));
}

/** Where a file is looked for that does not exist. */
function missingIn(problems: readonly Problem[], folder: string): string[] {
  return problems.flatMap(({ file, text }) => {
    const [, wanted] = /^Could not resolve "(\.[^"]*)"/.exec(text) ?? [];
    if (wanted === undefined) return [];
    const path = resolve(folder, dirname(file ?? ""), wanted);
    return [path, `${path}.ts`];
  });
}
