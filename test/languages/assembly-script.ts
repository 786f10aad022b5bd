import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { embedManifest } from "#host/cli/embed-manifest.ts";

const root = join(import.meta.dirname, "../..");
const template = join(root, "plugin-sdk/templates/assemblyscript");

/** The folder that `plugin new --language assemblyscript` makes, with the packages that `npm install` brings. */
export async function newTemplate(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "sandgate-assemblyscript-"));
  await cp(template, folder, { recursive: true });
  for (const file of ["package.json", "manifest.json", "README.md"]) {
    const text = await readFile(join(folder, file), "utf8");
    await writeFile(join(folder, file), text.replaceAll("__NAME__", name));
  }
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  return folder;
}

/** A plugin of this source, compiled as the template's build does. @throws Error with the compiler's messages */
export async function compilePlugin(source: string, manifest: object): Promise<Uint8Array> {
  const folder = await newTemplate("plugin");
  try {
    await writeFile(join(folder, "assembly/index.ts"), source);
    const { default: asc } = await import("assemblyscript/asc");
    const { error, stderr } = await asc.main(["--baseDir", folder]);
    if (error !== null) throw new Error(`it does not compile:\n${stderr.toString()}`);
    const wasm = await readFile(join(folder, "build/plugin.wasm"));
    return embedManifest(wasm, JSON.stringify({ version: "1.0.0", abi: 1, ...manifest }));
  } finally {
    await rm(folder, { recursive: true });
  }
}
