import { Command } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import { pluginBuildCommand } from "./plugin-build.ts";
import { pluginInspectCommand } from "./plugin-inspect.ts";
import { pluginPrepareCommand } from "./plugin-prepare.ts";
import { pluginRunCommand } from "./plugin-run.ts";
import { startCommand } from "./start.ts";
import { validateCommand } from "./validate.ts";

/** The command line of `sandgate`. Exit code 0 for success, 1 for anything that was refused or failed. */
export async function main(argv: readonly string[]): Promise<void> {
  const plugin = new Command("plugin")
    .description("build and examine plugins")
    .addCommand(pluginBuildCommand())
    .addCommand(pluginInspectCommand())
    .addCommand(pluginPrepareCommand())
    .addCommand(pluginRunCommand());
  await new Command("sandgate")
    .description("AI gateway whose plugins are WebAssembly modules in a sandbox")
    .version(packageJson.version)
    .addCommand(startCommand())
    .addCommand(validateCommand())
    .addCommand(plugin)
    .parseAsync(argv);
}
