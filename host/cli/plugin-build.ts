import { Command } from "commander";
import { isStale } from "#sdk/compile/stale.ts";
import { buildTarget, targetsOf } from "./build-target.ts";

type Options = { readonly stale?: true; readonly report?: true };

/** `sandgate plugin build`: TypeScript to `.wasm`. A plugin that fails does not stop the others; exit code 1 then. */
export function pluginBuildCommand(): Command {
  return new Command("build")
    .description("compile plugins from TypeScript; each .wasm lies beside its file or folder")
    .argument("<path>", "a .ts file, the folder of a plugin, or a folder of plugins")
    .option("--stale", "only what is older than its sources, the SDK or the engine")
    .option("--report", "say what is in each module, and what the calls of its fixtures cost")
    .action(async (path: string, options: Options) => {
      const targets = await targetsOf(path);
      if (targets?.length === 0) process.stderr.write(`${path}: no plugins to build\n`);
      let ok = targets !== null;
      for (const target of targets ?? []) {
        if (options.stale && !(await isStale(target))) continue;
        const built = await buildTarget(target, printLine);
        if (built === null) ok = false;
        else if (options.report) {
          // The sandbox, which most builds have no use for.
          const { buildReport } = await import("./build-report.ts");
          printLine(await buildReport(built, target));
        }
      }
      if (!ok) process.exitCode = 1;
    });
}

function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}
