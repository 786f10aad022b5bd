import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type YAMLError,
} from "yaml";
import { type Inspection, inspect, type TextProblem } from "./inspect.ts";
import { protectPlaceholders, restorePlaceholders } from "./placeholder.ts";

/** A parsed file: the document with its positions, what its aliases stand for, its strings in order. */
export type YamlTree = Pick<Inspection, "targets" | "texts"> & {
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
};

/**
 * Parses one YAML 1.2 document of plain data: maps with string keys, lists, strings, finite numbers, booleans,
 * null. Everything that is wrong with it is reported at once, and only a tree without problems may be used.
 */
export function parseYaml(text: string): { tree: YamlTree; problems: TextProblem[] } {
  const lines = new LineCounter();
  const document = parseDocument(protectPlaceholders(text), {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    // The library compares every pair of keys: 200,000 of them take minutes. `inspect` looks them up.
    uniqueKeys: false,
    resolveKnownTags: false,
    logLevel: "error",
  });
  const problems = syntaxProblems([...document.errors, ...document.warnings], text, lines);
  if (document.directives.yaml.version === "1.1") {
    problems.push({ offset: 0, path: [], message: "YAML 1.1 is not supported: remove the %YAML line" });
  }
  if (problems.length > 0) return { tree: { document, lines, targets: new Map(), texts: [] }, problems };
  const inspection = inspect(document);
  return {
    tree: { document, lines, targets: inspection.targets, texts: inspection.texts },
    problems: inspection.problems,
  };
}

const yamlMessages: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: "a second document starts here; the file must hold one",
  RESOURCE_EXHAUSTION: "nested too deep",
  TAB_AS_INDENT: "a tab as indentation; YAML wants spaces",
  NON_STRING_KEY: "a key must be plain text",
};

/** The first error of each line: what follows on it is mostly the parser finding its way back. */
function syntaxProblems(errors: readonly YAMLError[], text: string, lines: LineCounter): TextProblem[] {
  const tooDeep = errors.filter(({ code }) => code === "RESOURCE_EXHAUSTION").slice(-1);
  const seen = new Set<number>();
  return (tooDeep.length > 0 ? tooDeep : errors).flatMap((error) => {
    const offset = error.pos[0];
    const { line } = lines.linePos(offset);
    if (seen.has(line)) return [];
    seen.add(line);
    const openBrace = text.slice(offset - 1, offset + 1) === "${";
    const message = openBrace
      ? "${ without its closing brace; inside of brackets a text with ${ needs quotes"
      : (yamlMessages[error.code] ?? restorePlaceholders(error.message));
    return [{ offset, path: [], message: message.charAt(0).toLowerCase() + message.slice(1) }];
  });
}

/** The plain value of a tree without problems. */
export function toValue(tree: YamlTree, node: unknown = tree.document.contents): unknown {
  if (isAlias(node)) return toValue(tree, tree.targets.get(node));
  if (isSeq(node)) return node.items.map((item) => toValue(tree, item));
  if (isMap(node)) {
    return Object.fromEntries(
      node.items.map(({ key, value }) => [isScalar(key) ? key.value : key, toValue(tree, value)]),
    );
  }
  return isScalar(node) ? node.value : null;
}
