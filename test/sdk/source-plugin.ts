import { mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import type { BindingConfig, GatewayConfig } from "#config/schema.ts";
import { capabilityImports, createCapabilities, grantImports } from "#host/capabilities/all.ts";
import { callLimits, moduleLimits } from "#host/limits.ts";
import { standardImports } from "#host/sandbox/link.ts";
import type { CallResult } from "#host/sandbox/outcome.ts";
import { createPool } from "#host/sandbox/pool.ts";
import { prepare } from "#host/sandbox/prepare.ts";
import { applyV8Flags } from "#host/sandbox/v8-flags.ts";
import { type CompiledPlugin, compilePlugin } from "#sdk/compile/compile-plugin.ts";
import { temporaryFolder } from "#test/config/config-file.ts";
import type { LogLine } from "#test/sandbox/fixture.ts";

applyV8Flags();

/** Files by their path; a text alone is `plugin.ts`. */
export type Sources = string | Readonly<Record<string, string | Link>>;

export type Link = { readonly linkTo: string };

/** Of a plugin that imports packages: `{ "plugin.ts": "…", node_modules: packages }`. */
export const packages: Link = { linkTo: join(import.meta.dirname, "../../node_modules") };

/** Writes the files into a fresh folder. */
export async function writeSources(t: TestContext, sources: Sources): Promise<string> {
  const folder = await temporaryFolder(t);
  const files = typeof sources === "string" ? { "plugin.ts": sources } : sources;
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    if (typeof text === "string") await writeFile(join(folder, name), text);
    else await symlink(text.linkTo, join(folder, name));
  }
  return folder;
}

/** Compiles `plugin.ts` of the files. What it logs while it starts goes to `notes`. */
export async function compileSources(
  t: TestContext,
  sources: Sources,
  notes: string[] = [],
): Promise<CompiledPlugin> {
  const folder = await writeSources(t, sources);
  return compilePlugin(join(folder, "plugin.ts"), { note: (_level, text) => notes.push(text) });
}

/** A plugin of one `preRequest` with this body; `before` are the lines above definePlugin. */
export function withBody(body: string, before = ""): string {
  return `import { definePlugin } from "@sandgate/plugin-sdk";
${before}
export default definePlugin({
  name: "made",
  version: "1.0.0",
  hooks: { pre_request: { reads: ["request.body"], writes: ["tags"] } },
  preRequest(input: any, host) { ${body} },
});
`;
}

export type OpenOptions = {
  /** Of the binding; null leaves `configure` out. */
  readonly config?: object | null;
  readonly extismConfig?: Readonly<Record<string, string>>;
  readonly grants?: BindingConfig["grants"];
  readonly consumers?: GatewayConfig["consumers"];
  readonly fuel?: number;
};

export type OpenSources = {
  readonly compiled: CompiledPlugin;
  readonly log: readonly LogLine[];
  /** An object goes in as JSON. */
  call(hook: string, input?: object | string | Uint8Array): Promise<CallResult>;
  /** As `call` of `pre_request`, with the value of the one tag that it asked for. */
  tag(input?: object): Promise<string>;
};

/** A plugin from its source, bound in the real sandbox with the real capabilities; it is closed with the test. */
export async function openSources(
  t: TestContext,
  sources: Sources,
  options: OpenOptions = {},
): Promise<OpenSources> {
  const { config = {}, extismConfig = {}, grants = {}, consumers, fuel = callLimits.fuel } = options;
  const compiled = await compileSources(t, sources);
  const capabilities = createCapabilities({ ...(consumers === undefined ? {} : { consumers }) });
  const prepared = await prepare(compiled.wasm, {
    memoryPages: moduleLimits.memoryPages,
    imports: new Set([...standardImports, ...capabilityImports(capabilities)]),
  });
  const { manifest } = compiled;
  const namespace = { tenant: null, plugin: "made", binding: ["made"] };
  const scope = { plugin: "made", binding: "made", namespace, manifest: manifest ?? noManifest, grants };
  const log: LogLine[] = [];
  const pool = await createPool(prepared, {
    name: "made",
    config: manifest === null || config === null ? null : JSON.stringify(config),
    extismConfig,
    state: manifest?.state ?? "request",
    limits: { fuel, deadlineMs: 20_000, memoryPages: moduleLimits.memoryPages },
    imports: grantImports(capabilities, scope),
    log: (level, text, requestId) => log.push({ level, text, requestId }),
  });
  t.after(() => pool.close(0));
  const call = (hook: string, input: object | string | Uint8Array = {}) =>
    pool.call(hook, typeof input === "string" || input instanceof Uint8Array ? input : JSON.stringify(input));
  return {
    compiled,
    log,
    call,
    async tag(input) {
      const { outcome, error, output } = await call("pre_request", input);
      if (outcome !== "ok") throw new Error(`${outcome}: ${error}`);
      return JSON.parse(Buffer.from(output).toString()).effects[0].value;
    },
  };
}

const noManifest = { name: "made", version: "1.0.0", abi: 1, hooks: {} } as const;
