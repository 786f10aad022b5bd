import type { TestContext } from "node:test";
import { capabilityImports, createCapabilities } from "#host/capabilities/all.ts";
import type { HostImport } from "#host/capabilities/capability.ts";
import { callLimits, moduleLimits } from "#host/limits.ts";
import { standardImports } from "#host/sandbox/link.ts";
import type { CallResult } from "#host/sandbox/outcome.ts";
import { createPool } from "#host/sandbox/pool.ts";
import { prepare } from "#host/sandbox/prepare.ts";

export type OpenModule = {
  readonly log: readonly string[];
  call(hook: string, input?: unknown): Promise<CallResult>;
};

export type OpenModuleOptions = {
  readonly config?: unknown;
  readonly imports?: Readonly<Record<string, HostImport>>;
};

/** A module in the gateway's sandbox until the test ends. Input that is no text is given as JSON. */
export async function openModule(
  test: TestContext,
  wasm: Uint8Array,
  { config, imports = {} }: OpenModuleOptions = {},
): Promise<OpenModule> {
  const existing = [...standardImports, ...capabilityImports(createCapabilities({ consumers: {} }))];
  const prepared = await prepare(wasm, {
    memoryPages: moduleLimits.memoryPages,
    imports: new Set([...existing, ...Object.keys(imports)]),
  });
  const log: string[] = [];
  const pool = await createPool(prepared, {
    name: "plugin",
    config: config === undefined ? null : JSON.stringify(config),
    state: "request",
    imports,
    limits: { ...callLimits, memoryPages: moduleLimits.memoryPages },
    log: (level, text) => log.push(`${level}: ${text}`),
  });
  test.after(() => pool.close(0));
  return {
    log,
    call: (hook, input = "") => pool.call(hook, typeof input === "string" ? input : JSON.stringify(input)),
  };
}
