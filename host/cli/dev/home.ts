import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { loadConfig } from "#config/load.ts";
import { printProblem } from "#config/problem.ts";
import type { BindingConfig } from "#config/schema.ts";
import type { Manifest } from "#sdk/abi/manifest.ts";
import { replaceFile } from "../replace-file.ts";

/** A plugin as it goes into service. */
export type Module = { readonly wasm: Uint8Array; readonly manifest: Manifest };

/** Where a gateway's config lies, and how a module gets to it. */
export type DevHome = {
  readonly configFile: string;
  /** Of a config that was made for the plugin; of the author's own null: their keys are not for show. */
  readonly consumers: Readonly<Record<string, readonly string[]>> | null;
  /** What nobody may see of the config. */
  secrets(): Promise<readonly string[]>;
  /** @returns the module's file */
  put(module: Module): Promise<string>;
};

/** A folder or a config that cannot be used. */
export class HomeRefused extends Error {
  override readonly name = "HomeRefused";
}

const consumers = { alice: ["sk-alice-dev"] };

/** Capabilities whose grant asks for nothing but a yes. */
const harmless = new Set(["kv", "counters", "cache"]);

/**
 * A config made for the plugin, in a temporary folder that is removed when the process ends: it is bound at the
 * gateway level, a mock provider answers, and there is a consumer, alice.
 */
export function temporaryHome(options: {
  readonly port: number;
  readonly config: NonNullable<BindingConfig["config"]>;
}): DevHome {
  const folder = mkdtempSync(join(tmpdir(), "sandgate-dev-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "plugins"));
  const [configFile, moduleFile] = [join(folder, "gateway.yaml"), join(folder, "plugins/plugin.wasm")];
  return {
    configFile,
    consumers,
    secrets: async () => [],
    async put({ wasm, manifest }) {
      await replaceFile(moduleFile, wasm);
      const config = JSON.stringify(configOf(manifest, options), null, 2);
      // JSON is YAML, where this begins a placeholder.
      await replaceFile(configFile, Buffer.from(config.replaceAll("${", () => "$${")));
      return moduleFile;
    },
  };
}

function configOf(
  { name, capabilities = [] }: Manifest,
  { port, config }: Parameters<typeof temporaryHome>[0],
): object {
  const grants = capabilities.filter((capability) => harmless.has(capability)).map((one) => [one, true]);
  return {
    listen: { port },
    plugins: { folders: ["plugins"], watch: false },
    log: { level: "trace" },
    gateway: {
      use: [{ plugin: name, config, ...(grants.length === 0 ? {} : { grants: Object.fromEntries(grants) }) }],
    },
    services: { mock: { provider: "mock" } },
    routes: { all: { match: { paths: ["/*"] }, service: "mock" } },
    consumers: { alice: { keys: consumers.alice } },
  };
}

/** A config of the author's: the module goes into its first plugin folder. @throws HomeRefused */
export async function givenHome(file: string): Promise<DevHome> {
  const load = async () => {
    const loaded = await loadConfig(file, { env: process.env });
    if (!loaded.ok) throw new HomeRefused(loaded.problems.map(printProblem).join("\n"));
    return loaded;
  };
  const { config } = await load();
  const [first = "."] = config.plugins.folders;
  const { put } = await folderHome(resolve(dirname(resolve(file)), first));
  return {
    configFile: file,
    consumers: null,
    secrets: async () => (await load()).source.interpolation.secrets.map(({ value }) => value),
    put,
  };
}

/** A plugin folder of some gateway. @throws HomeRefused */
export async function folderHome(folder: string): Promise<Pick<DevHome, "put">> {
  const status = await stat(folder).catch(() => null);
  if (!status?.isDirectory()) throw new HomeRefused(`${folder}: no such folder`);
  return {
    async put({ wasm, manifest }) {
      const file = join(folder, `${manifest.name}.wasm`);
      await replaceFile(file, wasm);
      return file;
    },
  };
}
