import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { codeFrame, type Problem } from "./problem.ts";
import { sdkFolder } from "./source-map.ts";

const typescript = /\.m?ts$/;

/**
 * Type errors of a plugin's entry file and what it imports. The checker is the `typescript` that is installed beside
 * the plugin or the SDK, run as a program, since it has no other interface; without one nothing is checked.
 */
export async function checkTypes(entry: string): Promise<Problem[]> {
  const program = typescript.test(entry) ? findProgram(entry) : null;
  if (program === null) return [];
  const folder = await mkdtemp(join(tmpdir(), "sandgate-types-"));
  // Who ends the process does not wait for the checker.
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", remove);
  try {
    const config = join(folder, "tsconfig.json");
    await writeFile(config, JSON.stringify(configFor(resolve(entry))));
    const output = await run(program, ["-p", config, "--pretty", "false"]);
    return await problemsIn(output, dirname(resolve(entry)));
  } finally {
    process.off("exit", remove);
    remove();
  }
}

function findProgram(entry: string): string | null {
  for (const from of [resolve(entry), import.meta.filename]) {
    try {
      return join(dirname(createRequire(from).resolve("typescript/package.json")), "bin/tsc");
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw thrown;
    }
  }
  return null;
}

/** What a bundle can hold and the engine knows, with the SDK's own files in place of its package. */
function configFor(entry: string): object {
  return {
    files: [entry, join(sdkFolder, "globals.d.ts")],
    compilerOptions: {
      target: "es2023",
      lib: ["es2023"],
      types: [],
      module: "preserve",
      moduleResolution: "bundler",
      noEmit: true,
      strict: true,
      skipLibCheck: true,
      allowImportingTsExtensions: true,
      resolveJsonModule: true,
      paths: {
        "@sandgate/plugin-sdk": [join(sdkFolder, "define-plugin.ts")],
        "@sandgate/plugin-sdk/*": [join(sdkFolder, "*.ts")],
      },
    },
  };
}

/** Source can make the checker work for ever. */
const longestMs = 60_000;

/** What it prints; its exit code only says whether that is anything. */
function run(program: string, args: readonly string[]): Promise<string> {
  return new Promise((done, fail) => {
    // Detached is a group of its own: the program starts another one, which has to be ended with it.
    const child = spawn(process.execPath, [program, ...args], { cwd: "/", detached: true });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    const end = () => process.kill(-(child.pid ?? 0), "SIGKILL");
    const timer = setTimeout(() => {
      end();
      fail(new Error(`the type checker was not done after ${longestMs / 1000} s`));
    }, longestMs);
    process.once("exit", end);
    child.on("error", fail);
    child.on("close", (code) => {
      clearTimeout(timer);
      process.off("exit", end);
      if (code !== 0 && stdout === "") fail(new Error(`the type checker does not run: ${stderr}`));
      else done(stdout);
    });
  });
}

const head = /^(.+)\((\d+),(\d+)\): error (TS\d+: .*)$/;

/** `path(line,column): error TS1: text`; indented lines go on with the text. */
async function problemsIn(output: string, folder: string): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const line of output.split("\n")) {
    const [, path, row, column, text] = head.exec(line) ?? [];
    const last = problems.at(-1);
    if (text !== undefined) {
      const place = {
        file: relative(folder, resolve("/", path ?? "")),
        line: Number(row),
        column: Number(column),
      };
      problems.push({ ...place, text, frame: await codeFrame(folder, place), notes: [] });
    } else if (last !== undefined && line.startsWith(" ")) {
      problems[problems.length - 1] = { ...last, notes: [...last.notes, line.trim()] };
    } else if (line.startsWith("error ")) {
      problems.push({
        file: null,
        line: 0,
        column: 0,
        text: line.slice("error ".length),
        frame: null,
        notes: [],
      });
    }
  }
  return problems;
}
