import { FileRefused, readBounded } from "#config/read-bounded.ts";
import { capabilityImports, createCapabilities } from "#host/capabilities/all.ts";
import type { Capability } from "#host/capabilities/capability.ts";
import { folderLimits, moduleLimits } from "#host/limits.ts";
import { standardImports } from "#host/sandbox/link.ts";
import { type PreparedModule, type PreparePolicy, prepare } from "#host/sandbox/prepare.ts";
import { Rejected } from "#host/sandbox/rejected.ts";
import { applyV8Flags } from "#host/sandbox/v8-flags.ts";

/** Why a file is no plugin for this gateway. `limit` says which limit it breaks, and by what. */
export type Verdict = {
  readonly code: string;
  readonly message: string;
  readonly limit?: { readonly name: string; readonly max: number; readonly value: number };
};

type Refused = { readonly ok: false; readonly bytes: number | null; readonly verdict: Verdict };

/** A module as the gateway would load it, or why it would not. `bytes` is null when the file was not read. */
export type ModuleFile =
  | { readonly ok: true; readonly bytes: number; readonly prepared: PreparedModule }
  | Refused;

/** What exists to be imported where there is no config: every capability, with a memory of this process alone. */
export const emptyCapabilities: readonly Capability[] = createCapabilities({ consumers: {} });

/** Reads and prepares a `.wasm`, with `NAME.manifest.json` beside it if there is one. Any file is safe to name. */
export async function loadModuleFile(
  file: string,
  memoryPages: number = moduleLimits.memoryPages,
): Promise<ModuleFile> {
  const read = await readModuleFile(file, (content, policy) => prepare(content, { ...policy, memoryPages }));
  return read.ok ? { ok: true, bytes: read.bytes, prepared: read.made } : read;
}

/** As `loadModuleFile`, for another way to prepare: `make` gets the bytes and the policy of the gateway. */
export async function readModuleFile<T>(
  file: string,
  make: (content: Uint8Array, policy: PreparePolicy) => Promise<T>,
): Promise<{ readonly ok: true; readonly bytes: number; readonly made: T } | Refused> {
  applyV8Flags();
  let bytes: number | null = null;
  try {
    const content = await readBounded(file, moduleLimits.moduleBytes);
    bytes = content.length;
    const manifest = await manifestBeside(file);
    const imports = new Set([...standardImports, ...capabilityImports(emptyCapabilities)]);
    const policy = { memoryPages: moduleLimits.memoryPages, imports };
    const made = await make(content, manifest === null ? policy : { ...policy, manifest });
    return { ok: true, bytes, made };
  } catch (thrown) {
    if (thrown instanceof FileRefused)
      return { ok: false, bytes, verdict: { code: thrown.code, message: thrown.message } };
    if (!(thrown instanceof Rejected)) throw thrown;
    const { code, message, limit } = thrown;
    return { ok: false, bytes, verdict: { code, message, ...(limit === undefined ? {} : { limit }) } };
  }
}

/** The text of `NAME.manifest.json` beside `NAME.wasm`; null when there is none. */
async function manifestBeside(file: string): Promise<string | null> {
  try {
    const content = await readBounded(
      `${file.replace(/\.wasm$/, "")}.manifest.json`,
      folderLimits.manifestBytes,
    );
    return content.toString("utf8");
  } catch (thrown) {
    if (thrown instanceof FileRefused && thrown.code === "missing") return null;
    throw thrown;
  }
}
