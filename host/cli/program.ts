import { Command } from "commander";
import packageJson from "../../package.json" with { type: "json" };

/** Each in a file of its own, which is loaded when it is asked for: most need little of what the others do. */
const commands = {
  start: async () => (await import("./start.ts")).startCommand(),
  validate: async () => (await import("./validate.ts")).validateCommand(),
  explain: async () => (await import("./explain.ts")).explainCommand(),
} as const satisfies Commands;

const pluginCommands = {
  build: async () => (await import("./plugin-build.ts")).pluginBuildCommand(),
  dev: async () => (await import("./plugin-dev.ts")).pluginDevCommand(),
  embed: async () => (await import("./plugin-embed.ts")).pluginEmbedCommand(),
  inspect: async () => (await import("./plugin-inspect.ts")).pluginInspectCommand(),
  new: async () => (await import("./plugin-new.ts")).pluginNewCommand(),
  prepare: async () => (await import("./plugin-prepare.ts")).pluginPrepareCommand(),
  run: async () => (await import("./plugin-run.ts")).pluginRunCommand(),
  test: async () => (await import("./plugin-test.ts")).pluginTestCommand(),
} as const satisfies Commands;

type Commands = Readonly<Record<string, () => Promise<Command>>>;

/** The command line of `sandgate`. Exit code 0 for success, 1 for anything that was refused or failed. */
export async function main(argv: readonly string[]): Promise<void> {
  const [, , first, second] = argv;
  const plugin = new Command("plugin").description("write, build and examine plugins");
  for (const command of await loaded(pluginCommands, first === "plugin" ? second : undefined)) {
    plugin.addCommand(command);
  }
  const program = new Command("sandgate")
    .description("AI gateway whose plugins are WebAssembly modules in a sandbox")
    .version(packageJson.version);
  for (const command of await loaded(commands, first)) program.addCommand(command);
  await program.addCommand(plugin).parseAsync(argv);
}

/** The command of this name alone; without one, or for help and mistakes, all of them. */
async function loaded(table: Commands, name: string | undefined): Promise<Command[]> {
  const isPlugin = table === commands && name === "plugin";
  if (isPlugin) return [];
  const one = name !== undefined && Object.hasOwn(table, name) ? table[name] : undefined;
  if (one !== undefined) return [await one()];
  return Promise.all(Object.values(table).map((load) => load()));
}
