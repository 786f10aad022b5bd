import { readFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { Plugin } from "esbuild";
import { sdkFolder } from "./source-map.ts";

/** The packages of which `runtime/` makes globals. */
const packages = /^(whatwg-url|@noble\/hashes|@ungap\/structured-clone)(\/|$)/;
/** What they need and a plugin cannot afford, and the SDK's own file in its place. */
const standIns: readonly (readonly [name: RegExp, file: string])[] = [
  [/^tr46$/, "runtime/ascii-domain.ts"],
  [/^@exodus\/bytes\//, "runtime/percent-encode.ts"],
];
/** Makes a file's name `sandgate:node_modules/…`: of the SDK, and the same on every machine. */
const namespace = "sandgate";

/** The SDK's own dependencies, from where the SDK lies, whatever the plugin has installed. The author's files never get them. */
export function sdkLibraries(): Plugin {
  return {
    name: "sandgate-libraries",
    setup(builder) {
      builder.onResolve({ filter: packages }, ({ path, importer }) =>
        isOfSdk(importer) ? libraryFile(fileURLToPath(import.meta.resolve(path))) : undefined,
      );
      builder.onResolve({ filter: /./, namespace }, ({ path, importer, pluginData: from }) => {
        const [, standIn] = standIns.find(([name]) => name.test(path)) ?? [];
        if (standIn !== undefined) return { path: join(sdkFolder, standIn), sideEffects: false };
        if (path.startsWith(".")) return libraryFile(join(dirname(from), withEnding(path)));
        return { errors: [{ text: `${importer} imports ${path}, and nothing stands for it` }] };
      });
      builder.onLoad({ filter: /./, namespace }, async ({ pluginData: file }) => ({
        contents: `${withoutClock(asModule(await readFile(file, "utf8")))}\n${oneSegment}`,
        pluginData: file,
      }));
    },
  };
}

/** A source map of a single segment: where in a library code comes from is told to nobody, and takes room in every module. */
const oneSegment = `//# sourceMappingURL=data:application/json,${encodeURIComponent(
  JSON.stringify({ version: 3, sources: [`${namespace}:library`], names: [], mappings: "AAAA" }),
)}`;

const required = /\brequire\("([^"]+)"\)/g;

/**
 * A CommonJS file as an ES module whose default export is what it exports, as Node imports it. Left as it is, the bundler
 * would make a function of it and of all that it uses, in every plugin.
 */
function asModule(code: string): string {
  if (!/\bmodule\.exports\b/.test(code)) return code;
  const imports: string[] = [];
  const body = code.replace(required, (_call, path: string) => {
    const name = `required${imports.length}`;
    const isStandIn = standIns.some(([one]) => one.test(path));
    imports.push(`import ${isStandIn ? `* as ${name}` : name} from ${JSON.stringify(path)};`);
    return name;
  });
  return `${imports.join("")}const module = { exports: {} };${body}export default module.exports;`;
}

/** With the engine's own `Date`: the one that the bundler would put in makes the module import a clock. */
function withoutClock(code: string): string {
  return /\bDate\b/.test(code) ? `const { Date } = globalThis;${code}` : code;
}

/** Whether a library's file made it: these lie in the SDK only by their name. */
export function isLibrary(name: string): boolean {
  return name.startsWith(`${namespace}:`);
}

function isOfSdk(file: string): boolean {
  return !relative(sdkFolder, file).startsWith(`..${sep}`);
}

function libraryFile(file: string) {
  const path = file.replaceAll(sep, "/");
  return {
    path: path.slice(path.lastIndexOf("/node_modules/") + 1),
    namespace,
    pluginData: file,
    sideEffects: false,
  };
}

function withEnding(path: string): string {
  return path.endsWith(".js") ? path : `${path}.js`;
}
