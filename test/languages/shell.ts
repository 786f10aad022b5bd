import { execFile } from "node:child_process";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";

const root = join(import.meta.dirname, "../..");

export type ShellResult = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Runs a line of a README or of a package.json's scripts, with `sandgate` and the tools of this repository on the PATH. */
export async function runShell(line: string, folder: string): Promise<ShellResult> {
  const tools = join(folder, ".tools");
  await mkdir(tools, { recursive: true });
  await writeFile(
    join(tools, "sandgate"),
    `#!/bin/sh\nexec "${process.execPath}" --disable-warning=ExperimentalWarning "${root}/host/cli/sandgate.js" "$@"\n`,
  );
  await chmod(join(tools, "sandgate"), 0o755);
  const PATH = [tools, join(root, "node_modules/.bin"), process.env["PATH"]].join(delimiter);
  return new Promise((resolve, reject) => {
    const options = { cwd: folder, env: { ...process.env, PATH }, timeout: 60_000 };
    execFile("/bin/sh", ["-c", line], options, (error, stdout, stderr) => {
      // A number is the shell's own; anything else says that there was none.
      if (error !== null && typeof error.code !== "number") reject(error);
      else resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}
