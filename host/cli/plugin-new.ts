import { lstat, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { Command, Option } from "commander";
import { manifestSchema } from "#sdk/abi/manifest.ts";
import { sdkFolder } from "#sdk/compile/source-map.ts";

const templates = {
  auth: "finds out who is calling, by an API key",
  guard: "refuses prompts by length and pattern",
  transform: "changes the chat on its way to the provider",
  observe: "logs usage and duration after the answer",
  stream: "looks at streamed answers after they ended",
} as const;
type Template = keyof typeof templates;

const templateNames = Object.keys(templates) as Template[];
const usual: Template = "guard";

type Options = { readonly template?: Template; readonly language: "typescript" | "assemblyscript" };

/** Nothing was made, and why. */
class NewRefused extends Error {}

/** `sandgate plugin new`: a folder with a plugin that builds and passes its tests at once. */
export function pluginNewCommand(): Command {
  return new Command("new")
    .description("make a folder with a plugin to start from, which builds and passes its tests")
    .argument("<name>", "name of the plugin and of the folder; a path before it says where")
    .addOption(
      new Option("--template <name>", "what the plugin does; see docs/writing-a-plugin.md").choices(
        templateNames,
      ),
    )
    .addOption(
      new Option("--language <name>", "what it is written in")
        .choices(["typescript", "assemblyscript"])
        .default("typescript"),
    )
    .action(async (path: string, options: Options) => {
      try {
        await makePlugin(path, options);
      } catch (thrown) {
        if (!(thrown instanceof NewRefused)) throw thrown;
        process.stderr.write(`${thrown.message}\n`);
        process.exitCode = 1;
      }
    });
}

async function makePlugin(path: string, { template, language }: Options): Promise<void> {
  const folder = resolve(path);
  const name = basename(folder);
  requireName(name);
  if (language === "assemblyscript" && template !== undefined) {
    throw new NewRefused(`AssemblyScript has one template: leave out --template ${template}`);
  }
  await requireRoom(folder, path);
  const chosen = language === "assemblyscript" ? language : (template ?? (await ask()));
  const files = await filesOf(join(sdkFolder, "templates", chosen), name);
  await makeFolder(folder, path);
  for (const [file, text] of files) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), text);
  }
  const shown = relative(process.cwd(), folder);
  const steps = [`cd ${shown}`, "npm install", "npm run build", "npm test"];
  process.stdout.write(
    `${shown} is a plugin, made from the template ${chosen}. Next:\n${steps.map((step) => `  ${step}\n`).join("")}`,
  );
}

function requireName(name: string): void {
  if (new RegExp(manifestSchema.properties.name.pattern).test(name)) return;
  throw new NewRefused(
    `${JSON.stringify(name)} cannot be the name of a plugin: lower-case letters, digits and dashes, beginning with a letter, at most 63`,
  );
}

/** Before anything is asked. */
async function requireRoom(folder: string, path: string): Promise<void> {
  if (!(await isFolder(dirname(folder)))) throw new NewRefused(`${dirname(path)}: no such folder`);
  const status = await lstat(folder).catch(() => null);
  if (status !== null) throw new NewRefused(`${path} is there already; nothing is overwritten`);
}

async function isFolder(path: string): Promise<boolean> {
  const status = await stat(path).catch(() => null);
  return status?.isDirectory() ?? false;
}

async function makeFolder(folder: string, path: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (thrown) {
    throw new NewRefused(`${path} cannot be made: ${(thrown as Error).message}`);
  }
}

/** The template to take. Without a terminal nobody can answer. */
async function ask(): Promise<Template> {
  if (!process.stdin.isTTY) {
    process.stdout.write(`No --template given, so it is ${usual}; there are ${templateNames.join(", ")}\n`);
    return usual;
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const { promise: closed, reject } = Promise.withResolvers<never>();
  terminal.once("close", () => reject(new NewRefused("\nnothing was made")));
  try {
    const list = templateNames.map((name, index) => `  ${index + 1} ${name.padEnd(10)} ${templates[name]}\n`);
    process.stdout.write(`What is the plugin to do?\n${list.join("")}`);
    for (;;) {
      const answer = (await Promise.race([terminal.question(`Number or name (${usual}): `), closed])).trim();
      const found = answer === "" ? usual : (templateNames[Number(answer) - 1] ?? answer);
      if (isTemplate(found)) return found;
    }
  } finally {
    closed.catch(() => {});
    terminal.close();
  }
}

function isTemplate(name: string): name is Template {
  return Object.hasOwn(templates, name);
}

/** Names that npm leaves out of a package, under the name that the template has for them. */
const renamed: Readonly<Record<string, string>> = { gitignore: ".gitignore" };

/** The files of a template by their path, with the plugin's name filled in. */
async function filesOf(template: string, name: string): Promise<Map<string, string>> {
  const entries = await readdir(template, { recursive: true, withFileTypes: true });
  const files = new Map<string, string>();
  for (const entry of entries.filter((one) => one.isFile())) {
    const file = join(entry.parentPath, entry.name);
    const path = join(relative(template, entry.parentPath), renamed[entry.name] ?? entry.name);
    files.set(path, (await readFile(file, "utf8")).replaceAll("__NAME__", name));
  }
  return files;
}
