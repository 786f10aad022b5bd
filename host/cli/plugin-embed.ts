import { Command } from "commander";
import { FileRefused, readBounded } from "#config/read-bounded.ts";
import { folderLimits, moduleLimits } from "#host/limits.ts";
import { escapeControls } from "#host/sandbox/log-lines.ts";
import { decodeModule } from "#host/sandbox/wasm/decode.ts";
import { MalformedWasm } from "#host/sandbox/wasm/malformed.ts";
import { checkManifest } from "#sdk/compile/manifest.ts";
import { embedManifest } from "./embed-manifest.ts";
import { loadModuleFile } from "./module-file.ts";
import { replaceFile } from "./replace-file.ts";

type Options = { readonly manifest: string; readonly output?: string };

/** Why nothing was written: one line for each problem, each with its file. */
class EmbedRefused extends Error {
  constructor(file: string, problems: readonly string[]) {
    super(problems.map((problem) => `${file}: ${problem}`).join("\n"));
    this.name = "EmbedRefused";
  }
}

/**
 * `sandgate plugin embed`: makes a plugin of a module that another compiler made. Nothing is written when module and
 * manifest do not fit together. Exit code 0 when the gateway admits the result, else 1.
 */
export function pluginEmbedCommand(): Command {
  return new Command("embed")
    .description("put a manifest into a .wasm of any language, and say whether the gateway admits it")
    .argument("<file.wasm>", "an Extism module; a manifest that it has is replaced")
    .requiredOption("-m, --manifest <file.json>", "the manifest: docs/plugins.md says what is in it")
    .option("-o, --output <file.wasm>", "the file to write; default: the module itself")
    .action(async (file: string, options: Options) => {
      process.exitCode = (await embed(file, options)) ? 0 : 1;
    });
}

async function embed(file: string, { manifest, output = file }: Options): Promise<boolean> {
  try {
    const wasm = await read(file, moduleLimits.moduleBytesHard);
    const exports = exportsOf(file, wasm);
    const text = await read(manifest, folderLimits.manifestBytes);
    await write(output, embedManifest(wasm, checkedManifest(manifest, text, exports)));
  } catch (thrown) {
    if (!(thrown instanceof EmbedRefused)) throw thrown;
    process.stderr.write(`${thrown.message.split("\n").map(escapeControls).join("\n")}\n`);
    return false;
  }
  const loaded = await loadModuleFile(output);
  const line = loaded.ok
    ? `${output}  ${loaded.bytes} bytes  admitted`
    : `${output}  written, but the gateway refuses it (${loaded.verdict.code}): ${loaded.verdict.message}`;
  (loaded.ok ? process.stdout : process.stderr).write(`${escapeControls(line)}\n`);
  return loaded.ok;
}

async function read(file: string, maxBytes: number): Promise<Uint8Array> {
  try {
    return await readBounded(file, maxBytes);
  } catch (thrown) {
    if (!(thrown instanceof FileRefused)) throw thrown;
    throw new EmbedRefused(file, [thrown.message]);
  }
}

/** The names of a module's exported functions. */
function exportsOf(file: string, wasm: Uint8Array): readonly string[] {
  try {
    return decodeModule(wasm).exports.flatMap(({ name, kind }) => (kind === "func" ? [name] : []));
  } catch (thrown) {
    if (!(thrown instanceof MalformedWasm)) throw thrown;
    throw new EmbedRefused(file, [thrown.message]);
  }
}

/** The manifest as compact JSON. */
function checkedManifest(file: string, content: Uint8Array, exports: readonly string[]): string {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(content));
  } catch (thrown) {
    const reason = thrown instanceof SyntaxError ? thrown.message : "it is not UTF-8";
    throw new EmbedRefused(file, [`not JSON: ${reason}`]);
  }
  const problems = checkManifest(value, exports, (hook) => `export ${hook}`);
  if (problems.length > 0) throw new EmbedRefused(file, problems);
  return JSON.stringify(value);
}

async function write(file: string, wasm: Uint8Array): Promise<void> {
  try {
    await replaceFile(file, wasm);
  } catch (thrown) {
    throw new EmbedRefused(file, [thrown instanceof Error ? thrown.message : String(thrown)]);
  }
}
