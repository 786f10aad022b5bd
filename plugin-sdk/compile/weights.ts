import type { Metafile } from "esbuild";
import { importChain } from "./builtins.ts";

/** What one package, or the plugin's own files, add to a bundle. */
export type Weight = {
  /** Null for the plugin's own files. */
  readonly package: string | null;
  /** Of its code in the bundle. */
  readonly bytes: number;
  /** Who imports its first file, and who imports that, up to the entry. */
  readonly chain: readonly string[];
};

const inPackage = /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//;

/** The parts of a bundle, the largest first; files of the SDK are left out. */
export function weightsOf(
  { outputs, inputs }: Metafile,
  { entry, isAuthors }: { readonly entry: string; readonly isAuthors: (file: string) => boolean },
): Weight[] {
  const counted = Object.values(outputs).flatMap((output) => Object.entries(output.inputs));
  const parts = Map.groupBy(
    counted.filter(([file]) => isAuthors(file)),
    ([file]) => inPackage.exec(file)?.[1] ?? null,
  );
  const weights = Array.from(parts, ([name, files]) => ({
    package: name,
    bytes: files.reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0),
    chain:
      name === null
        ? []
        : shortestChain(
            { inputs, outputs },
            files.map(([file]) => file),
            entry,
          ),
  }));
  return weights.filter(({ bytes }) => bytes > 0).sort((left, right) => right.bytes - left.bytes);
}

/** Of several files the way by which the first of them is reached. */
function shortestChain(metafile: Metafile, files: readonly string[], entry: string): string[] {
  const chains = files.map((file) => importChain(metafile, file, entry));
  return chains.reduce((best, chain) => (chain.length < best.length ? chain : best));
}

/** `zod: 203 KiB of code, imported by plugin.ts`. */
export function weightText({ package: name, bytes, chain }: Weight): string {
  const size = `${name ?? "the plugin's own files"}: ${Math.ceil(bytes / 1024)} KiB of code`;
  return [size, ...chain.map((file) => `imported by ${file}`)].join(", ");
}
