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
};

/** The last thing a bundle does: hands what the author's file exports to the engine. */
export function start(author: Readonly<Record<string, unknown>>): void {
  const plugin = author["default"];
  const [manifest, exports] = isPlugin(plugin)
    ? [plugin.manifest, hooksOf(plugin)]
    : [null, plainFunctions(author)];
  const names = Object.keys(exports).sort();
  const about: About = { manifest, exports: names };
  finish(
    names.map((name) => exports[name]),
    describeError,
    JSON.stringify(about),
  );
}

function isPlugin(value: unknown): value is Plugin {
  return typeof value === "object" && value !== null && "sandgatePlugin" in value;
}

/** In the way of the Extism JS PDK, also for a file that assigns to `module.exports`. */
function plainFunctions(author: Readonly<Record<string, unknown>>): Record<string, () => unknown> {
  const { default: commonJs, ...named } = author;
  const all = typeof commonJs === "object" && commonJs !== null ? { ...commonJs, ...named } : named;
  return Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, () => unknown] => isPlainFunction(entry[1])),
  );
}

/** A class can only be constructed; its `prototype` cannot be written. */
function isPlainFunction(value: unknown): boolean {
  return (
    typeof value === "function" && Object.getOwnPropertyDescriptor(value, "prototype")?.writable !== false
  );
}
