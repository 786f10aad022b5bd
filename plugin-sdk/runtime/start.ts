import type { Plugin } from "../define-plugin.ts";
import { describeError } from "./describe-error.ts";
import { hooksOf } from "./hooks.ts";
import { finish } from "./native.ts";

/** What a bundle says about itself, for the compiler. */
export type About = {
  /** As the author wrote it, unchecked; null for a module of plain functions. */
  readonly manifest: unknown;
  /** Names of the exports by index. */
  readonly exports: readonly string[];
  /** What its author cannot have meant. */
  readonly problems: readonly string[];
};

/** The last thing a bundle does: hands what the author's file exports to the engine. */
export function start(author: Readonly<Record<string, unknown>>): void {
  const plugin = author["default"];
  const functions = Object.entries(author).filter(isExportedFunction);
  const [manifest, exports, problems] = isPlugin(plugin)
    ? [plugin.manifest, hooksOf(plugin), strayHandlers(plugin)]
    : [null, plainFunctions(functions), plainProblems(functions)];
  const names = Object.keys(exports).sort();
  const about: About = { manifest, exports: names, problems };
  finish(
    names.map((name) => exports[name]),
    describeError,
    JSON.stringify(about),
  );
}

function isPlugin(value: unknown): value is Plugin {
  return typeof value === "object" && value !== null && "sandgatePlugin" in value;
}

/** A manifest has no functions; JSON would leave them out without a word. */
function strayHandlers({ manifest }: Plugin): string[] {
  return Object.entries(manifest)
    .filter(([, value]) => typeof value === "function")
    .map(
      ([name]) =>
        `${name}() is no handler: there are configure, preRequest, postRequest, postRequestEvent, error and schedule`,
    );
}

type ExportedFunction = [name: string, value: () => unknown];

function isExportedFunction(entry: [string, unknown]): entry is ExportedFunction {
  return entry[0] !== "default" && typeof entry[1] === "function";
}

/** In the way of the Extism JS PDK, also of a file that assigns to `module.exports`. */
function plainFunctions(functions: readonly ExportedFunction[]): Record<string, () => unknown> {
  return Object.fromEntries(functions.filter(([, value]) => !isClass(value)));
}

function plainProblems(functions: readonly ExportedFunction[]): string[] {
  if (functions.length === 0) return ["nothing is exported: write export default definePlugin({ … })"];
  return functions
    .filter(([, value]) => isClass(value))
    .map(([name]) => `the class ${name} is exported; the gateway can call functions only`);
}

/** It can only be constructed; its `prototype` cannot be written. */
function isClass(value: () => unknown): boolean {
  return Object.getOwnPropertyDescriptor(value, "prototype")?.writable === false;
}
