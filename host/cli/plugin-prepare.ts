import { mkdir, opendir, stat } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { Command } from "commander";
import type { Injection } from "#host/sandbox/injection.ts";
import { escapeControls } from "#host/sandbox/log-lines.ts";
import { prepareBytes } from "#host/sandbox/prepare.ts";
import { readModuleFile } from "./module-file.ts";
import { replaceFile } from "./replace-file.ts";

/** What `plugin prepare --json` prints of one module, in one line. */
export type Preparation = {
  readonly file: string;
  readonly ok: boolean;
  /** Why not: a code as `plugin inspect` has them, `unwritable`, or `failed`. Null when ok. */
  readonly code: string | null;
  readonly error: string | null;
  /** What the prepared module imports and exports beyond the original. Null when not ok. */
  readonly inject: Injection | null;
};

type Options = { readonly output: string; readonly anyImports?: true; readonly json?: true };
type Job = { readonly from: string; readonly to: string };

/** `sandgate plugin prepare`: writes modules as the gateway runs them. Exit code 0 when all are ok, else 1. */
export function pluginPrepareCommand(): Command {
  return new Command("prepare")
    .description("write a .wasm as the gateway runs it, metered, to compare it with the original")
    .argument("<path>", "a .wasm, or a folder whose .wasm files are taken, at any depth")
    .requiredOption("-o, --output <path>", "the file to write; for a folder, the folder to mirror it in")
    .option("--any-imports", "admit functions of any name as imports, which the gateway never does")
    .option("--json", "print a line of JSON per module")
    .action(async (path: string, options: Options) => {
      const results: Preparation[] = [];
      for (const job of await jobsOf(path, options.output)) {
        const result = "problem" in job ? job.problem : await prepareFile(job, options.anyImports === true);
        results.push(result);
        if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
        else print(result);
      }
      if (results.length === 0) process.stderr.write(`${path}: no .wasm file in this folder\n`);
      process.exitCode = results.every(({ ok }) => ok) ? 0 : 1;
    });
}

/** All jobs are found before the first file is written: the output may lie inside the input. */
async function jobsOf(path: string, output: string): Promise<(Job | { readonly problem: Preparation })[]> {
  if (!(await isFolder(path))) {
    return [{ from: path, to: (await isFolder(output)) ? join(output, basename(path)) : output }];
  }
  const jobs: (Job | { readonly problem: Preparation })[] = [];
  const folders = [path];
  for (let folder = folders.shift(); folder !== undefined; folder = folders.shift()) {
    try {
      for await (const entry of await opendir(folder)) {
        const from = join(folder, entry.name);
        // A link to a folder is not followed: it may lead back up. What an earlier run wrote is no original.
        if (entry.isDirectory()) {
          if (resolve(from) !== resolve(output)) folders.push(from);
        } else if (entry.name.endsWith(".wasm")) jobs.push({ from, to: join(output, relative(path, from)) });
      }
    } catch (thrown) {
      jobs.push({ problem: refused(folder, "unreadable", messageOf(thrown)) });
    }
  }
  return jobs.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

function nameOf(job: Job | { readonly problem: Preparation }): string {
  return "problem" in job ? job.problem.file : job.from;
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    // Reading it says why it cannot be read.
    return false;
  }
}

/** Nothing is written for a module that is refused; what lay at the output stays. */
async function prepareFile({ from, to }: Job, anyImports: boolean): Promise<Preparation> {
  if (resolve(from) === resolve(to)) return refused(from, "unwritable", "the output would replace it");
  try {
    const read = await readModuleFile(from, (content, policy) =>
      prepareBytes(content, anyImports ? { ...policy, imports: "any" } : policy),
    );
    if (!read.ok) return refused(from, read.verdict.code, read.verdict.message);
    const problem = await write(to, read.made.wasm);
    if (problem !== null) return refused(from, "unwritable", `${to}: ${problem}`);
    return { file: from, ok: true, code: null, error: null, inject: read.made.inject };
  } catch (thrown) {
    // A defect of ours, which must not hide the modules that follow.
    return refused(from, "failed", messageOf(thrown));
  }
}

/** Null, or why it could not be written. A reader never sees half a module. */
async function write(file: string, bytes: Uint8Array): Promise<string | null> {
  try {
    await mkdir(dirname(file), { recursive: true });
    await replaceFile(file, bytes);
    return null;
  } catch (thrown) {
    return messageOf(thrown);
  }
}

function refused(file: string, code: string, error: string): Preparation {
  return { file, ok: false, code, error, inject: null };
}

function print({ file, ok, code, error }: Preparation): void {
  const line = ok ? `${file}  ok` : `${file}  refused (${code}): ${error}`;
  (ok ? process.stdout : process.stderr).write(`${escapeControls(line)}\n`);
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
