import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { decodeModule } from "../../host/sandbox/wasm/decode.ts";
import { MalformedWasm } from "../../host/sandbox/wasm/malformed.ts";
import { engineFile, loadEngine } from "../engine/engine.ts";
import { type SourceMap, sdkFolder, sdkSource, sourceMapSection } from "./source-map.ts";
import type { Target } from "./targets.ts";

/**
 * Whether a module is missing, older than any of its sources, the SDK or the engine, or not made by this compiler.
 * Its sources are those that its own source map lists.
 */
export async function isStale({ entry, output }: Target): Promise<boolean> {
  const made = await timeOf(output);
  if (made === null) return true;
  const sources = await sourcesOf(output, dirname(entry));
  if (sources === null) return true;
  const times = await Promise.all([newestOfSdk(), ...[entry, ...sources].map(timeOf)]);
  return times.some((time) => time === null || time > made);
}

/** Absolute paths without those of the SDK; null when the file is no module of this compiler. */
async function sourcesOf(wasm: string, folder: string): Promise<string[] | null> {
  try {
    const { customs } = decodeModule(await readFile(wasm));
    const section = customs.find(({ name }) => name === sourceMapSection);
    if (section === undefined) return null;
    const { sources } = JSON.parse(new TextDecoder().decode(section.bytes)) as SourceMap;
    return sources.filter((one) => !one.startsWith(sdkSource)).map((one) => resolve(folder, one));
  } catch (thrown) {
    if (thrown instanceof MalformedWasm || thrown instanceof SyntaxError) return null;
    throw thrown;
  }
}

let newest: Promise<number> | null = null;

/** Looked up once per process: a build does not change the SDK. */
function newestOfSdk(): Promise<number> {
  newest ??= findNewest();
  return newest;
}

async function findNewest(): Promise<number> {
  // An engine that is behind its own sources is built here, and is newer than any module then.
  await loadEngine();
  const files = await readdir(sdkFolder, { recursive: true });
  const sources = files.filter((name) => name.endsWith(".ts") && !name.includes("node_modules"));
  const times = await Promise.all([engineFile, ...sources.map((name) => join(sdkFolder, name))].map(timeOf));
  return Math.max(...times.map((time) => time ?? 0));
}

/** When a file was last written, in milliseconds since 1970; null when there is none. */
async function timeOf(file: string): Promise<number | null> {
  try {
    return (await stat(file)).mtimeMs;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw thrown;
  }
}
