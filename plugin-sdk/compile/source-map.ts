import { relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** Version 3 (ECMA-426), without the sources' content. */
export type SourceMap = {
  readonly version: number;
  /** Relative to the folder of the plugin's entry; those of the SDK start with `sdkSource`. */
  readonly sources: readonly string[];
  readonly names: readonly string[];
  readonly mappings: string;
};

/** The custom section with the files that went in: JSON, their sizes in bytes by their neutral path. */
export const inputsSection = "sandgate.inputs";

/** The custom section with the map; the gateway reads it by this name. */
export const sourceMapSection = "sandgate.source-map";

/** Where the SDK's TypeScript lies; in the published package, beside the JavaScript that runs. */
export const sdkFolder = fileURLToPath(
  new URL(import.meta.url.endsWith(".js") ? "../../source/" : "..", import.meta.url),
);

/** Where the SDK lies, seen from the plugin, is different on every machine; this stands for it. */
export const sdkSource = "sandgate:";

/** The script around the author's file, which is no file. */
export const wrapperSource = `${sdkSource}start`;

/** The bundler's map with paths that are the same on every machine. */
export function neutralMap({ version, sources, names, mappings }: SourceMap, folder: string): SourceMap {
  return { version, sources: sources.map((one) => neutralPath(pathOf(one), folder)), names, mappings };
}

/** In the bundler's map sources are URLs, `%C3%A9.ts` for a file `é.ts`; those from a package's own map can be anything. */
function pathOf(source: string): string {
  try {
    return decodeURIComponent(source);
  } catch (thrown) {
    if (thrown instanceof URIError) return source;
    throw thrown;
  }
}

/** A path relative to the plugin's folder, or inside the SDK, as it is written into the module. */
export function neutralPath(source: string, folder: string): string {
  if (source === `./${wrapperSource}`) return wrapperSource;
  const inSdk = relative(sdkFolder, resolve(folder, source)).replaceAll(sep, "/");
  return inSdk.startsWith("../") ? source : `${sdkSource}${inSdk}`;
}

/** The file that a neutral path means for a plugin in `folder`. */
export function pathOfNeutral(path: string, folder: string): string {
  return path.startsWith(sdkSource)
    ? resolve(sdkFolder, path.slice(sdkSource.length))
    : resolve(folder, path);
}
