import { extname, resolve } from "node:path";
import { FileRefused, readBounded } from "../../config/read-bounded.ts";
import { capabilityImports, createCapabilities } from "../../host/capabilities/all.ts";
import { folderLimits, moduleLimits } from "../../host/limits.ts";
import { standardImports } from "../../host/sandbox/link.ts";
import { type PreparedModule, prepare, Rejected } from "../../host/sandbox/prepare.ts";
import type { Manifest } from "../abi/manifest.ts";
import { compilePlugin } from "../compile/compile-plugin.ts";
import { PluginRefused } from "./plugin-refused.ts";

/** A plugin that may run in the gateway. */
export type PluginModule = { readonly prepared: PreparedModule; readonly manifest: Manifest };

/** By absolute path, for the life of the process: to prepare one takes longer than most tests. */
const known = new Map<string, Promise<PluginModule>>();

/**
 * The plugin in a `.wasm`, with `NAME.manifest.json` beside it if there is one, or in a `.ts`, which is compiled.
 * @throws {PluginRefused} for a file that is no plugin of this gateway
 * @throws {CompileFailed}
 */
export function pluginModule(file: string): Promise<PluginModule> {
  const path = resolve(file);
  const found = known.get(path) ?? load(path, file);
  known.set(path, found);
  return found;
}

async function load(path: string, shown: string): Promise<PluginModule> {
  try {
    const { wasm, manifest: beside } = extname(path) === ".wasm" ? await read(path) : await compile(path);
    const prepared = await prepare(wasm, {
      memoryPages: moduleLimits.memoryPages,
      imports: new Set([...standardImports, ...capabilityImports(createCapabilities({}))]),
      ...(beside === null ? {} : { manifest: beside }),
    });
    const { manifest } = prepared;
    if (manifest === null) throw new PluginRefused(`${shown}: the module has no manifest`);
    return { prepared, manifest };
  } catch (thrown) {
    if (thrown instanceof FileRefused || thrown instanceof Rejected) {
      throw new PluginRefused(`${shown}: ${thrown.message}`, { cause: thrown });
    }
    throw thrown;
  }
}

type Bytes = { readonly wasm: Uint8Array; readonly manifest: string | null };

async function compile(path: string): Promise<Bytes> {
  return { wasm: (await compilePlugin(path)).wasm, manifest: null };
}

async function read(path: string): Promise<Bytes> {
  const wasm = await readBounded(path, moduleLimits.moduleBytesHard);
  return { wasm, manifest: await textBeside(`${path.slice(0, -".wasm".length)}.manifest.json`) };
}

async function textBeside(file: string): Promise<string | null> {
  try {
    return (await readBounded(file, folderLimits.manifestBytes)).toString("utf8");
  } catch (thrown) {
    if (thrown instanceof FileRefused && thrown.code === "missing") return null;
    throw thrown;
  }
}
