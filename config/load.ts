import { dirname, resolve } from "node:path";
import type { TextProblem } from "./inspect.ts";
import { type Environment, interpolate, plainScalar } from "./interpolate.ts";
import { keepKnownKeys, problemsOf } from "./issue.ts";
import { configLimits } from "./limits.ts";
import type { LocatedProblem } from "./problem.ts";
import { FileRefused, readBounded } from "./read-bounded.ts";
import { findReferenceProblems } from "./references.ts";
import { type ConfigProblem, configSchema, type GatewayConfig } from "./schema.ts";
import { type ConfigSource, interpolatedAt, locateOffset, locateProblem, scalarAt } from "./source.ts";
import { parseYaml, toValue, type YamlTree } from "./yaml.ts";

export type LoadedConfig =
  | { readonly ok: true; readonly config: GatewayConfig; readonly source: ConfigSource }
  | {
      readonly ok: false;
      readonly problems: readonly LocatedProblem[];
      /** What to watch besides the file: a problem may be in one of them. */
      readonly secretFiles: readonly string[];
    };

/**
 * Reads, interpolates and checks a config file. Answers with every problem at once, in the order of the file;
 * a problem never shows what came from the environment or from a `${file:…}`.
 * @param file path of the YAML; folders and files that it names are relative to its folder.
 */
export async function loadConfig(file: string, options: { env: Environment }): Promise<LoadedConfig> {
  const read = await readText(file);
  if ("problem" in read) return refused([{ file, line: 1, column: 1, path: [], message: read.problem }]);

  const { tree, problems } = parseYaml(read.text);
  const atOffset = ({ offset, path, message }: TextProblem): LocatedProblem => ({
    path,
    message,
    ...locateOffset({ file, tree }, offset),
  });
  if (problems.length > 0) return refused(problems.map(atOffset));

  const interpolation = await interpolate(tree.texts, { env: options.env, folder: dirname(resolve(file)) });
  const { secretFiles } = interpolation;
  const source: ConfigSource = { file, secretFiles, tree, interpolation };
  const checked = check(source);
  if ("config" in checked && interpolation.problems.length === 0) {
    return { ok: true, config: checked.config, source };
  }
  // What the schema says of a scalar whose placeholder has no value is only an echo.
  const found = "config" in checked ? [] : checked.problems;
  const shown = found.slice(0, configLimits.problems).filter(({ path }) => !failedAt(source, path));
  const located = shown.map((problem) => locateProblem(source, problem));
  const more = Math.max(0, found.length - configLimits.problems);
  return refused([...interpolation.problems.map(atOffset), ...located], { secretFiles, more });
}

function failedAt(source: ConfigSource, path: ConfigProblem["path"]): boolean {
  const scalar = scalarAt(source.tree, path);
  return scalar !== undefined && source.interpolation.failed.has(scalar);
}

/** @param options.more how many problems were left out already. */
function refused(
  problems: readonly LocatedProblem[],
  options: { secretFiles?: readonly string[]; more?: number } = {},
): LoadedConfig {
  const { secretFiles = [], more = 0 } = options;
  const shown = problems
    .toSorted((a, b) => a.line - b.line || a.column - b.column)
    .slice(0, configLimits.problems);
  const hidden = problems.length - shown.length + more;
  const last = shown.at(-1);
  if (last && hidden > 0) {
    const { file, line, column } = last;
    shown.push({ file, line, column, path: [], message: `${hidden} more problems` });
  }
  return { ok: false, problems: shown, secretFiles };
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

async function readText(file: string): Promise<{ text: string } | { problem: string }> {
  try {
    const text = utf8.decode(await readBounded(file, configLimits.fileBytes));
    // An editor that is half way through saving leaves an empty file: not the wish to serve nothing.
    return /\S/.test(text) ? { text } : { problem: "the file is empty" };
  } catch (thrown) {
    const reason = thrown instanceof FileRefused ? thrown.message : "it is not UTF-8 text";
    return { problem: `cannot be read: ${reason}` };
  }
}

function check(source: ConfigSource): { config: GatewayConfig } | { problems: ConfigProblem[] } {
  let value = toValue(source.tree);
  let parsed = configSchema.safeParse(value, { error: keepKnownKeys });
  if (parsed.error && typePlaceholders(source.tree, source, parsed.error.issues)) {
    value = toValue(source.tree);
    parsed = configSchema.safeParse(value, { error: keepKnownKeys });
  }
  if (parsed.error) {
    const isPublic = (path: ConfigProblem["path"]) => interpolatedAt(source, path) === undefined;
    return { problems: problemsOf(parsed.error.issues, { value, isPublic }) };
  }
  const problems = findReferenceProblems(parsed.data);
  return problems.length > 0 ? { problems } : { config: parsed.data };
}

/**
 * `port: ${PORT}` is text until the schema has said that it wants a number: a consumer's key of digits must
 * stay text. Gives the scalars of such issues the type that YAML would have given their text.
 */
function typePlaceholders(
  tree: YamlTree,
  source: ConfigSource,
  issues: readonly { code: string; path: readonly PropertyKey[] }[],
): boolean {
  let changed = false;
  for (const issue of issues) {
    if (issue.code !== "invalid_type" && issue.code !== "invalid_value") continue;
    const path = issue.path.filter((segment) => typeof segment !== "symbol");
    const scalar = scalarAt(tree, path);
    if (!scalar || typeof scalar.value !== "string" || !interpolatedAt(source, path)?.whole) continue;
    const typed = plainScalar(scalar.value);
    if (typed === undefined) continue;
    scalar.value = typed;
    changed = true;
  }
  return changed;
}
