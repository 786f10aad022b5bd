import { execFile } from "node:child_process";
import { cp, glob, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { promisify } from "node:util";
import { loadEngine } from "../engine/engine.ts";
import { packageManifest } from "./manifest.ts";

const root = resolve(import.meta.dirname, "../..");
const run = promisify(execFile);

/**
 * Makes the tarball of `@sandgate/plugin-sdk` in `folder`: node plugin-sdk/package/pack.ts FOLDER. The package has the
 * gateway with it, as JavaScript, because tests and `plugin dev` run the gateway's own code; and what the compiler
 * bundles into plugins as TypeScript, under `source/`, so that it makes the same bytes as the workspace's.
 * @returns the path of the tarball
 */
export async function packSdk(folder: string): Promise<string> {
  const stage = await mkdtemp(join(tmpdir(), "sandgate-pack-"));
  try {
    await emitJavaScript(stage);
    await copySources(stage);
    await cp(join(root, "LICENSE"), join(stage, "LICENSE"));
    for (const file of ["README.md", "NOTICE"]) {
      await cp(join(root, "plugin-sdk/package", file), join(stage, file));
    }
    const manifest = packageManifest(
      JSON.parse(await readFile(join(root, "package.json"), "utf8")),
      JSON.parse(await readFile(join(root, "plugin-sdk/package.json"), "utf8")),
    );
    await writeFile(join(stage, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
    await mkdir(folder, { recursive: true });
    const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", resolve(folder)], {
      cwd: stage,
      maxBuffer: 16_777_216,
    });
    return join(resolve(folder), tarballName(stdout));
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

/** npm 12 answers with an object by package name, older ones with a list. */
function tarballName(answer: string): string {
  const [packed] = Object.values<{ filename: string }>(JSON.parse(answer));
  if (packed === undefined) throw new Error(`npm packed nothing: ${answer}`);
  return packed.filename;
}

/** Host, config and the SDK's own tools: Node does not run TypeScript below node_modules. */
async function emitJavaScript(stage: string): Promise<void> {
  const workspace = await mkdtemp(join(tmpdir(), "sandgate-emit-"));
  try {
    await copyRooms(workspace);
    await writeFile(join(workspace, "tsconfig.json"), JSON.stringify(emitConfig(workspace, stage)));
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    await run(process.execPath, [tsc, "-p", workspace], { cwd: workspace });
  } finally {
    await rm(workspace, { recursive: true, force: true });
  }
  await mkdir(join(stage, "plugin-sdk/engine/build"), { recursive: true });
  await writeFile(join(stage, "plugin-sdk/engine/build/engine.wasm"), await loadEngine());
  const command = await readFile(join(root, "host/cli/sandgate.js"), "utf8");
  await writeFile(join(stage, "host/cli/sandgate.js"), command.replace("./program.ts", "./program.js"));
}

/** What is copied to authors as it is, or of the workspace alone. */
const notEmitted =
  /^plugin-sdk\/(templates|assemblyscript|package|engine\/(shim|build)\/|globals\.d\.ts)|^config\/write-schema/;

/** Copies what is to be emitted, each import by its path: another room's name is only known in this workspace. */
async function copyRooms(workspace: string): Promise<void> {
  for await (const file of glob("{host,config,plugin-sdk}/**/*.ts", {
    cwd: root,
    exclude: ["**/node_modules"],
  })) {
    if (notEmitted.test(file)) continue;
    const text = await readFile(join(root, file), "utf8");
    const up = relative(dirname(file), ".") || ".";
    const plain = text
      .replaceAll(
        /"#(host|config|sdk)\//g,
        (_match, room) => `"${up}/${room === "sdk" ? "plugin-sdk" : room}/`,
      )
      // The type checker rewrites imports; a worker is a URL.
      .replaceAll(/new URL\("(\.[^"]*)\.ts", import\.meta\.url\)/g, 'new URL("$1.js", import.meta.url)');
    await mkdir(join(workspace, dirname(file)), { recursive: true });
    await writeFile(join(workspace, file), plain);
  }
  await cp(join(root, "package.json"), join(workspace, "package.json"));
  await symlink(join(root, "node_modules"), join(workspace, "node_modules"));
}

function emitConfig(workspace: string, stage: string): object {
  return {
    extends: join(root, "tsconfig.json"),
    compilerOptions: {
      rootDir: workspace,
      outDir: stage,
      noEmit: false,
      declaration: true,
      rewriteRelativeImportExtensions: true,
      typeRoots: [join(root, "node_modules/@types")],
    },
    include: ["host", "config", "plugin-sdk"],
    exclude: [],
  };
}

/** What is bundled into plugins and type-checked with them, and what is copied to authors. */
const sources = [
  "plugin-sdk/*.ts",
  "plugin-sdk/abi/*.ts",
  "plugin-sdk/runtime/*.ts",
  "plugin-sdk/engine/layout.ts",
  "plugin-sdk/templates/**",
];

async function copySources(stage: string): Promise<void> {
  for await (const entry of glob(sources, { cwd: root, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const from = join(entry.parentPath, entry.name);
    const to = join(stage, "source", from.slice(join(root, "plugin-sdk/").length));
    await mkdir(dirname(to), { recursive: true });
    await cp(from, to);
  }
  await cp(join(root, "plugin-sdk/assemblyscript"), join(stage, "assemblyscript"), { recursive: true });
}

if (import.meta.main) {
  const [, , folder] = process.argv;
  if (folder === undefined) {
    process.stderr.write("node plugin-sdk/package/pack.ts FOLDER\n");
    process.exitCode = 1;
  } else {
    process.stdout.write(`${await packSdk(folder)}\n`);
  }
}
