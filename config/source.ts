import { isAlias, isMap, isScalar, isSeq, type Scalar } from "yaml";
import type { Interpolated, Interpolation } from "./interpolate.ts";
import { type LocatedProblem, printProblem } from "./problem.ts";
import type { ConfigPath, ConfigProblem } from "./schema.ts";
import type { YamlTree } from "./yaml.ts";

/** Where a loaded config came from: the file with its positions, and what must never be shown of it. */
export type ConfigSource = {
  /** As it was given to `loadConfig`. */
  readonly file: string;
  /** Absolute paths of what `${file:…}` names; a change of one is a change of the config. */
  readonly secretFiles: readonly string[];
  readonly tree: YamlTree;
  readonly interpolation: Interpolation;
};

/** Line and column start at 1. */
export type Location = { readonly file: string; readonly line: number; readonly column: number };

/** The place of a value: its key, or the start of a list's item. For what is not in the file, the nearest value around it. */
export function locate(source: ConfigSource, path: ConfigPath): Location {
  return locateOffset(source, descend(source.tree, path).offset);
}

/** The place of a character of the file. */
export function locateOffset(source: Pick<ConfigSource, "file" | "tree">, offset: number): Location {
  const { line, col } = source.tree.lines.linePos(offset);
  return { file: source.file, line: Math.max(line, 1), column: Math.max(col, 1) };
}

/** The problem with its place. What came from the environment or a file stands in it as its placeholder. */
export function locateProblem(source: ConfigSource, problem: ConfigProblem): LocatedProblem {
  const own = scalarAt(source.tree, problem.path);
  const interpolated = own && source.interpolation.scalars.get(own);
  const message = interpolated
    ? problem.message.replaceAll(`"${own.value}"`, () => `"${interpolated.written}"`)
    : problem.message;
  // A hint would tell what the value resembles.
  const hint =
    interpolated || problem.hint === undefined ? {} : { hint: withoutSecrets(source, problem.hint) };
  return {
    path: problem.path,
    message: withoutSecrets(source, message),
    ...hint,
    ...locate(source, problem.path),
  };
}

/** One line: `gateway.yaml:12:7 routes.chat.service: no such service, did you mean "demo"?` */
export function formatProblem(source: ConfigSource, problem: ConfigProblem): string {
  return printProblem(locateProblem(source, problem));
}

/** How the scalar at `path` is written, when it is not its value: it holds `${…}`. Show this and not the value. */
export function interpolatedAt(source: ConfigSource, path: ConfigPath): Interpolated | undefined {
  const scalar = scalarAt(source.tree, path);
  return scalar && source.interpolation.scalars.get(scalar);
}

/** The scalar at `path`, if there is one. */
export function scalarAt(tree: YamlTree, path: ConfigPath): Scalar | undefined {
  const { node, rest } = descend(tree, path);
  return rest === 0 && isScalar(node) ? node : undefined;
}

/** Follows the path as far as it goes. `rest` counts the segments that are not in the file. */
function descend(tree: YamlTree, path: ConfigPath): { node: unknown; offset: number; rest: number } {
  let node: unknown = tree.document.contents;
  let offset = 0;
  for (const [index, segment] of path.entries()) {
    const inner = isAlias(node) ? tree.targets.get(node) : node;
    const found = member(inner, segment);
    if (found === undefined) return { node: inner, offset, rest: path.length - index };
    node = found.value;
    offset = found.offset;
  }
  return { node: isAlias(node) ? tree.targets.get(node) : node, offset, rest: 0 };
}

function member(node: unknown, segment: string | number): { value: unknown; offset: number } | undefined {
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && key.value === String(segment));
    const key = pair?.key;
    return pair && { value: pair.value, offset: isScalar(key) ? (key.range?.[0] ?? 0) : 0 };
  }
  if (!isSeq(node)) return undefined;
  const item: unknown = node.items[Number(segment)];
  if (item === undefined) return undefined;
  return {
    value: item,
    offset: isAlias(item) || isMap(item) || isSeq(item) || isScalar(item) ? (item.range?.[0] ?? 0) : 0,
  };
}

/** Shorter values are words and numbers, and a message without them would not be readable. */
const secretCharacters = 6;

function withoutSecrets(source: ConfigSource, text: string): string {
  const byLength = source.interpolation.secrets
    .filter(({ value }) => value.length >= secretCharacters)
    .sort((a, b) => b.value.length - a.value.length);
  return byLength.reduce((shown, { value, written }) => {
    const quoted = JSON.stringify(value).slice(1, -1);
    return shown.replaceAll(quoted, () => written).replaceAll(value, () => written);
  }, text);
}
