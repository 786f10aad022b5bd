import { basename, dirname, join, resolve } from "node:path";
import {
  type BuildFailure,
  type BuildOptions,
  build,
  type Plugin as EsbuildPlugin,
  type Message,
  type Metafile,
  type OutputFile,
  stop,
} from "esbuild";
import { importChain, nodeBuiltins, refusedBuiltin } from "./builtins.ts";
import { fileKinds } from "./file-kinds.ts";
import { isLibrary, sdkLibraries } from "./libraries.ts";
import { CompileFailed, codeFrame, type Problem, wholeFile } from "./problem.ts";
import {
  neutralMap,
  neutralPath,
  type SourceMap,
  sdkFolder,
  sdkSource,
  wrapperSource,
} from "./source-map.ts";
import { type Weight, weightsOf } from "./weights.ts";
import { madeUp, zodLocales } from "./zod-locales.ts";

/** A plugin and everything it imports as one script. */
export type Bundle = {
  readonly code: string;
  readonly map: SourceMap;
  /** Absolute paths of all files that went in. */
  readonly inputs: readonly string[];
  /** Of the same files in bytes, by neutral path. */
  readonly inputSizes: Readonly<Record<string, number>>;
  /** The largest first. */
  readonly weights: readonly Weight[];
  readonly warnings: readonly Problem[];
};

/** Bundles a plugin's entry file, an absolute path. @throws CompileFailed */
export async function bundle(entry: string): Promise<Bundle> {
  const folder = dirname(entry);
  try {
    const { outputFiles, metafile, warnings } = await build(optionsFor(entry, nodeBuiltins("refuse")));
    return {
      code: textOf(outputFiles, ".js"),
      map: neutralMap(JSON.parse(textOf(outputFiles, ".map")), folder),
      inputs: inputsOf(metafile).map(([name]) => resolve(folder, name)),
      inputSizes: Object.fromEntries(
        inputsOf(metafile).map(([name, { bytes }]) => [neutralPath(name, folder), bytes]),
      ),
      weights: weightsOf(metafile, { entry: wrapperSource, isAuthors: (file) => isAuthors(file, folder) }),
      warnings: await Promise.all(warnings.map((message) => problemOf(message, folder))),
    };
  } catch (thrown) {
    if (hasEnded(thrown)) {
      // The next build starts another bundler; without this it would ask the dead one.
      await stop();
      throw new CompileFailed([wholeFile(basename(entry), "the bundler crashed: is code nested very deep?")]);
    }
    if (!isBuildFailure(thrown)) throw thrown;
    const errors = await withImportChains(thrown.errors, entry);
    throw new CompileFailed(await Promise.all(errors.map((message) => problemOf(message, folder))));
  }
}

/** Found as members of `globalThis` too. Not `Date` and `performance`: there, these are the engine's own, without a clock. */
const globalNames = [
  ...["Config", "Headers", "Host", "Http", "Memory", "MemoryHandle", "TextDecoder", "TextEncoder"],
  ...["URL", "URLSearchParams", "Var", "console", "crypto", "structuredClone"],
] as const;

/** Members in whose place the bundler puts a global of `runtime/globals.ts`, which it finds by bare names only. */
const ledMembers: Readonly<Record<string, string>> = {
  "Math.random": "__sandgate_random",
  "crypto.subtle": "__sandgate_subtle",
  "globalThis.crypto.subtle": "__sandgate_subtle",
  ...Object.fromEntries(globalNames.map((name) => [`globalThis.${name}`, name])),
};

function optionsFor(entry: string, builtins: EsbuildPlugin) {
  const folder = dirname(entry);
  return {
    // Paths in the output are relative to it: the bytes must not depend on where the compiler runs.
    absWorkingDir: folder,
    stdin: { contents: wrapper(entry), resolveDir: folder, sourcefile: wrapperSource, loader: "js" },
    bundle: true,
    write: false,
    outfile: "plugin.js",
    format: "iife",
    // A script is sloppy, and the author wrote a module.
    banner: { js: '"use strict";' },
    target: "es2023",
    platform: "neutral",
    // In place of whatever tsconfig.json lies above the plugin, which is another one on another machine.
    tsconfigRaw: { compilerOptions: { useDefineForClassFields: true } },
    mainFields: ["module", "main"],
    conditions: ["module"],
    metafile: true,
    sourcemap: "external",
    sourcesContent: false,
    legalComments: "none",
    charset: "utf8",
    logLevel: "silent",
    inject: [join(sdkFolder, "runtime/globals.ts")],
    define: { ...ledMembers, "process.env.NODE_ENV": '"production"' },
    plugins: [sdkResolver(), sdkLibraries(), fileKinds(), zodLocales(), builtins],
  } satisfies BuildOptions;
}

/** Adds to each refused module of Node who imported the file that imports it. */
async function withImportChains(errors: readonly Message[], entry: string): Promise<readonly Message[]> {
  if (!errors.some(({ detail }) => detail === refusedBuiltin)) return errors;
  const graph = await build(optionsFor(entry, nodeBuiltins("leave out"))).catch((thrown: unknown) => {
    // Something else is wrong too, and is among the errors; only the chain is lost.
    if (isBuildFailure(thrown)) return null;
    throw thrown;
  });
  if (graph === null) return errors;
  return errors.map((error) => {
    if (error.detail !== refusedBuiltin || error.location === null) return error;
    const chain = importChain(graph.metafile, error.location.file, wrapperSource);
    const notes = chain.map((file) => ({ text: `imported by ${file}`, location: null }));
    return { ...error, notes: [...error.notes, ...notes] };
  });
}

/** Imports the author's file whole, because only what it exports says what kind of module it is. */
function wrapper(entry: string): string {
  return [
    `import * as author from ${JSON.stringify(`./${basename(entry)}`)};`,
    `import { start } from "sandgate:runtime";`,
    "start(author);",
  ].join("\n");
}

/** What the SDK exports beside `definePlugin`, as its package.json has it. */
const abiFiles = ["effects", "from-schema", "hooks", "host-functions", "input", "manifest"] as const;

/** The SDK by its own files, wherever the plugin lies. */
function sdkResolver(): EsbuildPlugin {
  const files: Readonly<Record<string, string>> = {
    "sandgate:runtime": "runtime/start.ts",
    "@sandgate/plugin-sdk": "define-plugin.ts",
    "@sandgate/plugin-sdk/effects": "effects.ts",
    ...Object.fromEntries(abiFiles.map((name) => [`@sandgate/plugin-sdk/abi/${name}`, `abi/${name}.ts`])),
  };
  return {
    name: "sandgate",
    setup(builder) {
      builder.onResolve({ filter: /^(sandgate:runtime|@sandgate\/plugin-sdk)(\/|$)/ }, ({ path }) => {
        const file = files[path];
        if (file === undefined) {
          const text = `the SDK has no ${JSON.stringify(path)}; it has ${Object.keys(files).slice(1).join(", ")}`;
          return { errors: [{ text }] };
        }
        return { path: join(sdkFolder, file), sideEffects: false };
      });
    },
  };
}

function textOf(files: readonly OutputFile[], end: string): string {
  const found = files.find(({ path }) => path.endsWith(end));
  if (found === undefined) throw new Error(`esbuild wrote no ${end}`);
  return found.text;
}

function inputsOf({ inputs }: Metafile) {
  return Object.entries(inputs).filter(
    ([name]) => name !== wrapperSource && !name.startsWith(`${madeUp}:`) && !isLibrary(name),
  );
}

function isAuthors(file: string, folder: string): boolean {
  return !neutralPath(file, folder).startsWith(sdkSource) && !file.startsWith(`${madeUp}:`);
}

/** Of the bundler's process: esbuild has no error of its own for it. */
function hasEnded(thrown: unknown): boolean {
  return thrown instanceof Error && /^The service (was stopped|is no longer running)/.test(thrown.message);
}

function isBuildFailure(thrown: unknown): thrown is BuildFailure {
  return thrown instanceof Error && "errors" in thrown && Array.isArray(thrown.errors);
}

async function problemOf({ text, location, notes }: Message, folder: string): Promise<Problem> {
  if (location === null)
    return { file: null, line: 0, column: 0, text, frame: null, notes: notes.map(noteText) };
  const place = { file: location.file, line: location.line, column: location.column + 1 };
  return { ...place, text, frame: await codeFrame(folder, place), notes: notes.map(noteText) };
}

function noteText({ text, location }: Message["notes"][number]): string {
  return location === null ? text : `${location.file}:${location.line}:${location.column + 1}: ${text}`;
}
