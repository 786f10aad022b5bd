import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

/** The plugin of some ten lines that README.md shows. It is JavaScript as well. */
export async function readmePlugin(): Promise<string> {
  const readme = await readFile(join(root, "README.md"), "utf8");
  const [, code] = /^Save this as `plugins\/short-prompts\.ts`:\n\n```ts\n(.*?)^```/ms.exec(readme) ?? [];
  if (code === undefined) throw new Error("README.md shows no plugins/short-prompts.ts");
  return code;
}

/** A folder with README's plugin, once for the type checker and once without types, and a copy of key-auth's. */
export type Sources = {
  readonly folder: string;
  readonly ts: string;
  readonly js: string;
  readonly keyAuth: string;
};

/** Calls `work` with sources that are gone afterwards. */
export async function withSources<Result>(work: (sources: Sources) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), "sandgate-bench-"));
  try {
    const [ts, js] = [join(folder, "short-prompts.ts"), join(folder, "short-prompts.js")];
    const code = await readmePlugin();
    await Promise.all([writeFile(ts, code), writeFile(js, code)]);
    await cp(join(root, "plugins/key-auth"), join(folder, "key-auth"), { recursive: true });
    return await work({ folder, ts, js, keyAuth: join(folder, "key-auth/plugin.ts") });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
