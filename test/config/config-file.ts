import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type LoadedConfig, loadConfig } from "#config/load.ts";
import { printProblem } from "#config/problem.ts";

/** A fresh folder for one test. */
export async function temporaryFolder(test: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "sandgate-"));
  test.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes the text as `gateway.yaml` of a fresh folder and loads it. */
export async function load(
  test: TestContext,
  content: string | Uint8Array,
  env: Record<string, string> = {},
): Promise<LoadedConfig> {
  const file = join(await temporaryFolder(test), "gateway.yaml");
  await writeFile(file, content);
  return loadConfig(file, { env });
}

/** The problems as they are printed, the folder left out. */
export function printed(loaded: LoadedConfig): string[] {
  if (loaded.ok) return [];
  return loaded.problems.map((problem) => printProblem({ ...problem, file: "gateway.yaml" }));
}
