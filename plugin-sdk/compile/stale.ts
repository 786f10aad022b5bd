import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { decodeModule } from "../../host/sandbox/wasm/decode.ts";
import { MalformedWasm } from "../../host/sandbox/wasm/malformed.ts";
import { engineFile, loadEngine } from "../engine/engine.ts";
import { inputsSection, pathOfNeutral, sdkFolder } from "./source-map.ts";
import type { Target } from "./targets.ts";

/**
 * Whether a module is missing, not made by this compiler, older than its entry, any of its inputs, the SDK or the
 * engine, or made of inputs of other sizes: files of an installed package are all as old as 1985.
 */
export async function isStale({ entry, output }: Target): Promise<boolean> {
  const made = await stateOf(output);
  const inputs = made === null ? null : await inputsOf(output);
  if (made === null || inputs === null || (await newestOfSdk()) > made.timeMs) return true;
  const folder = dirname(entry);
  const changes = Object.entries(inputs).map(async ([path, bytes]) => {
    const input = await stateOf(pathOfNeutral(path, folder));
    return input === null || input.bytes !== bytes || input.timeMs > made.timeMs;
  });
  return (await Promise.all(changes)).includes(true);
}

/** Sizes by neutral path; null when the file is no module of this compiler. */
async function inputsOf(wasm: string): Promise<Readonly<Record<string, number>> | null> {
  try {
    const { customs } = decodeModule(await readFile(wasm));
    const section = customs.find(({ name }) => name === inputsSection);
    return section === undefined ? null : JSON.parse(new TextDecoder().decode(section.bytes));
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
  const states = await Promise.all(
    [engineFile, ...sources.map((name) => join(sdkFolder, name))].map(stateOf),
  );
  return Math.max(...states.map((state) => state?.timeMs ?? 0));
}

/** When a file was last written, in milliseconds since 1970, and its size; null when there is none. */
async function stateOf(file: string): Promise<{ readonly timeMs: number; readonly bytes: number } | null> {
  try {
    const { mtimeMs, size } = await stat(file);
    return { timeMs: mtimeMs, bytes: size };
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw thrown;
  }
}
