import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { packSdk } from "#sdk/package/pack.ts";
import { temporaryFolder } from "#test/config/config-file.ts";

/** An empty folder of a stranger, and the tarball of the SDK elsewhere. */
export type EmptyFolder = {
  readonly folder: string;
  readonly tarball: string;
  /** Runs lines of a shell in a folder, by default this one. @throws with what they printed when one fails */
  shell(script: string, cwd?: string): Promise<string>;
};

const run = promisify(execFile);

/** `name` is the folder's, where it matters how it is called. */
export async function openEmptyFolder(t: TestContext, name = "plugins"): Promise<EmptyFolder> {
  const parent = await temporaryFolder(t);
  const tarball = await packSdk(join(parent, "packed"));
  const folder = join(parent, name);
  await mkdir(folder);
  return {
    folder,
    tarball,
    async shell(script, cwd = folder) {
      try {
        const { stdout, stderr } = await run("/bin/sh", ["-ec", script], {
          cwd,
          env: environment,
          maxBuffer: 16_777_216,
        });
        return stdout + stderr;
      } catch (thrown) {
        const { stdout, stderr } = thrown as { readonly stdout: string; readonly stderr: string };
        throw new Error(`${script}\n${stdout}${stderr}`, { cause: thrown });
      }
    },
  };
}

/** Set by the runner of these tests and by the script that started it: about another package. */
const ofThisRun =
  /^(npm_(package|lifecycle|execpath|node_execpath|command)|NODE_(OPTIONS|TEST_CONTEXT|V8_COVERAGE)|INIT_CWD)/;

/** With the Node that runs the tests first. */
export const environment: NodeJS.ProcessEnv = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !ofThisRun.test(name))),
  PATH: [dirname(process.execPath), process.env["PATH"]].join(delimiter),
  npm_config_prefer_offline: "true",
  npm_config_audit: "false",
  npm_config_fund: "false",
};
