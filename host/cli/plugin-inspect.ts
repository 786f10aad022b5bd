import { Command } from "commander";
import { escapeControls } from "#host/sandbox/log-lines.ts";
import type { PreparedModule } from "#host/sandbox/prepare.ts";
import { valTypeName } from "#host/sandbox/wasm/value-types.ts";
import { loadModuleFile, type ModuleFile, type Verdict } from "./module-file.ts";

/** What `plugin inspect --json` prints. Only `file`, `bytes` and `verdict` exist for a module that is not admitted. */
export type Inspection = {
  readonly file: string;
  /** Null when the file was not read: missing, no regular file, too large. */
  readonly bytes: number | null;
  readonly verdict: { readonly ok: true } | ({ readonly ok: false } & Verdict);
  readonly sha256?: string;
  readonly manifest?: PreparedModule["manifest"];
  /** `namespace.name (params) -> (results)` */
  readonly imports?: readonly string[];
  readonly exports?: readonly string[];
  readonly memory?: PreparedModule["memory"];
  readonly initializers?: readonly string[];
  /** Whether the state before a call can be put back, or each call gets a new instance, and why. */
  readonly reset?: { readonly exact: boolean; readonly reason: string | null };
};

/** `sandgate plugin inspect`: what a `.wasm` is and whether the gateway admits it. Exit code 0 when it does, else 1. */
export function pluginInspectCommand(): Command {
  return new Command("inspect")
    .description("show manifest, imports, exports and size of a .wasm, and whether the gateway admits it")
    .argument("<file.wasm>")
    .option("--json", "print JSON")
    .action(async (file: string, options: { json?: true }) => {
      const inspection = describe(file, await loadModuleFile(file));
      process.stdout.write(options.json ? `${JSON.stringify(inspection, null, 2)}\n` : text(inspection));
      process.exitCode = inspection.verdict.ok ? 0 : 1;
    });
}

function describe(file: string, loaded: ModuleFile): Inspection {
  if (!loaded.ok) return { file, bytes: loaded.bytes, verdict: { ok: false, ...loaded.verdict } };
  const { sha256, manifest, imports, exports, memory, initializers, reset } = loaded.prepared;
  return {
    file,
    bytes: loaded.bytes,
    verdict: { ok: true },
    sha256,
    manifest,
    imports: imports.map(({ module, name, ...rest }) => `${module}.${name}${typeText(rest)}`),
    exports: exports.map(({ name, ...rest }) => `${name}${typeText(rest)}`),
    memory,
    initializers,
    reset: { exact: reset.exact, reason: reset.reason },
  };
}

type Described = {
  readonly kind: string;
  readonly params?: readonly number[];
  readonly results?: readonly number[];
};

function typeText({ kind, params, results }: Described): string {
  if (params === undefined || results === undefined) return ` ${kind}`;
  return ` (${params.map(valTypeName).join(", ")}) -> (${results.map(valTypeName).join(", ")})`;
}

function text({ file, bytes, verdict, ...rest }: Inspection): string {
  const lines = [`file      ${file}`];
  if (bytes !== null) lines.push(`size      ${bytes} bytes`);
  if (rest.sha256 !== undefined) lines.push(`sha256    ${rest.sha256}`);
  if (rest.manifest !== undefined) lines.push(`manifest  ${JSON.stringify(rest.manifest)}`);
  for (const one of rest.imports ?? []) lines.push(`import    ${one}`);
  for (const one of rest.exports ?? []) lines.push(`export    ${one}`);
  if (rest.memory) lines.push(`memory    ${rest.memory.min} to ${rest.memory.max} pages of 64 KiB`);
  if (rest.reset)
    lines.push(`reset     ${rest.reset.exact ? "exact" : `new instance per call: ${rest.reset.reason}`}`);
  lines.push(`verdict   ${verdict.ok ? "admitted" : `refused (${verdict.code}): ${verdict.message}`}`);
  if (!verdict.ok && verdict.limit) {
    lines.push(`limit     ${verdict.limit.name}: at most ${verdict.limit.max}, found ${verdict.limit.value}`);
  }
  return `${lines.map(escapeControls).join("\n")}\n`;
}
