import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** A page of `docs/` as its reader follows it. */
export type Page = {
  /** What stands after "Save this as `NAME`:", by name. */
  readonly files: Readonly<Record<string, string>>;
  /** The shell blocks, in their order. */
  readonly commands: readonly string[];
};

export async function readPage(name: string): Promise<Page> {
  const text = await readFile(join(import.meta.dirname, "../../docs", name), "utf8");
  const files = [...text.matchAll(/Save this as `([^`]+)`:\n\n```\w+\n(.*?)^```$/gms)];
  const commands = [...text.matchAll(/^```sh\n(.*?)^```$/gms)];
  return {
    files: Object.fromEntries(files.map(([, file = "", content = ""]) => [file, content])),
    commands: commands.map(([, command = ""]) => command.trim()),
  };
}
