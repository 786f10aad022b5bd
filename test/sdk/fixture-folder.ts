import assert from "node:assert/strict";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { type Ended, runCommand } from "../cli/command.ts";
import { temporaryFolder } from "../config/config-file.ts";
import { countingSource, doingSource } from "./doing-plugin.ts";

/** The modules `doing.wasm` and `counting.wasm`, for all tests of a file. */
export type BuiltPlugins = {
  /** A copy of a module with these fixtures beside it; a text is written as it is. */
  withFixtures(
    t: TestContext,
    name: "doing" | "counting",
    fixtures: Readonly<Record<string, object | string>>,
  ): Promise<string>;
  remove(): Promise<void>;
};

export async function buildPlugins(): Promise<BuiltPlugins> {
  const built = await mkdtemp(join(tmpdir(), "sandgate-fixtures-"));
  await writeFile(join(built, "doing.ts"), doingSource);
  await writeFile(join(built, "counting.ts"), countingSource);
  const { code, stderr } = await runCommand(["plugin", "build", built]);
  assert.equal(code, 0, stderr);
  return {
    async withFixtures(t, name, fixtures) {
      const folder = await temporaryFolder(t);
      const wasm = join(folder, `${name}.wasm`);
      await copyFile(join(built, `${name}.wasm`), wasm);
      await mkdir(join(folder, "fixtures"));
      for (const [file, content] of Object.entries(fixtures)) {
        const text = typeof content === "string" ? content : JSON.stringify(content);
        await writeFile(join(folder, "fixtures", `${file}.json`), text);
      }
      return wasm;
    },
    remove: () => rm(built, { recursive: true }),
  };
}

/** `sandgate plugin test` beside the module; paths are printed relative to it. */
export function runFixtures(wasm: string, ...options: string[]): Promise<Ended> {
  return runCommand(["plugin", "test", basename(wasm), ...options], { cwd: dirname(wasm) });
}

/** A fixture of `doing.wasm`. */
export function calling(what: string, more: object = {}): Record<string, unknown> {
  const request = { path: "/", headers: { "x-do": what }, body: {} };
  return { hook: "pre_request", input: { stage: "pre-request", request, context: {} }, ...more };
}

/** What `calling("patch")` asks for. */
export const small = {
  type: "patch-body",
  on: "request",
  patch: [{ op: "add", path: "/model", value: "small" }],
};
