import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compilePlugin } from "#sdk/compile/compile-plugin.ts";

const compiled = new Map<string, Promise<Uint8Array>>();

/** The module of a file of TypeScript with this text; compiled once per process. */
export function compileText(text: string): Promise<Uint8Array> {
  const known = compiled.get(text) ?? compileOnce(text);
  compiled.set(text, known);
  return known;
}

async function compileOnce(text: string): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), "sandgate-attack-"));
  try {
    const file = join(folder, "attack.ts");
    await writeFile(file, text);
    return (await compilePlugin(file)).wasm;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
