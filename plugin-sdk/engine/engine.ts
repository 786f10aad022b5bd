import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL(".", import.meta.url));
const buildFolder = join(folder, "build");
/** The engine, for what depends on how old it is. */
export const engineFile = join(buildFolder, "engine.wasm");
const stampFile = join(buildFolder, "engine.sha256");

let loading: Promise<Uint8Array> | null = null;

/** The engine's bytes; built when there are none, or when one of its sources has changed since. */
export function loadEngine(): Promise<Uint8Array> {
  loading ??= load();
  return loading;
}

async function load(): Promise<Uint8Array> {
  // The published package has the engine, and none of what it is built from.
  if (import.meta.url.endsWith(".js")) return readFile(engineFile);
  const stamp = await stampOfSources();
  if (stamp === (await textOf(stampFile))) return readFile(engineFile);
  const { buildEngine } = await import("./build-engine.ts");
  const bytes = await buildEngine();
  await mkdir(buildFolder, { recursive: true });
  await replace(engineFile, bytes);
  await replace(stampFile, stamp);
  return bytes;
}

/** By content, not by time: a checkout gives files any time it likes. */
async function stampOfSources(): Promise<string> {
  const own = await readdir(folder);
  const shim = await readdir(join(folder, "shim"));
  const files = [
    ...own.filter((name) => name.endsWith(".ts")),
    ...shim.filter((name) => name.endsWith(".ts")).map((name) => join("shim", name)),
  ].sort();
  const hash = createHash("sha256");
  for (const file of files) hash.update(file).update(await readFile(join(folder, file)));
  return hash.digest("hex");
}

async function textOf(file: string): Promise<string | null> {
  try {
    return await readFile(file, "utf8");
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw thrown;
  }
}

/** Two builds at once must not see half of each other's file. */
async function replace(file: string, content: Uint8Array | string): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, content);
  await rename(temporary, file);
}
