import { type Alias, type Document, isAlias, isMap, isScalar, isSeq, type Node, type Scalar } from "yaml";
import { configLimits } from "./limits.ts";
import { restorePlaceholders } from "./placeholder.ts";
import type { ConfigPath } from "./schema.ts";

/** A problem at a character of the text. */
export type TextProblem = { readonly offset: number; readonly path: ConfigPath; readonly message: string };

/** A string that is a value, not a key. */
export type Text = { readonly scalar: Scalar<string>; readonly path: ConfigPath };

export type Inspection = {
  readonly targets: Map<Alias, Node>;
  readonly texts: Text[];
  readonly problems: TextProblem[];
};

/** Of a node with its aliases expanded: how many values, how many levels. */
type Size = { readonly values: number; readonly levels: number };

/** Walks the tree once, in the order of the file: restores strings, resolves aliases, checks what the parser does not. */
export function inspect(document: Document.Parsed): Inspection {
  const targets = new Map<Alias, Node>();
  const texts: Text[] = [];
  const problems: TextProblem[] = [];
  const anchors = new Map<string, Size & { node: Node }>();
  const open = new Set<string>();

  const report = (node: unknown, path: ConfigPath, message: string) =>
    problems.push({ offset: startOf(node), path, message });

  function walk(node: unknown, path: ConfigPath): Size {
    if (path.length > configLimits.depth) {
      report(node, [], `nested deeper than ${configLimits.depth} levels`);
      return { values: 1, levels: 0 };
    }
    if (isAlias(node)) return walkAlias(node, path);
    if (isScalar(node)) checkScalar(node, path);
    const anchor = isMap(node) || isSeq(node) || isScalar(node) ? node.anchor : undefined;
    if (anchor !== undefined) open.add(anchor);
    const size = walkMembers(node, path);
    if (anchor !== undefined) {
      open.delete(anchor);
      anchors.set(anchor, { node: node as Node, ...size });
    }
    return size;
  }

  function walkMembers(node: unknown, path: ConfigPath): Size {
    if (isMap(node)) checkKeys(node.items, path);
    const inner = isSeq(node)
      ? node.items.map((item, index) => walk(item, [...path, index]))
      : isMap(node)
        ? node.items.map(({ key, value }) => walk(value, [...path, isScalar(key) ? String(key.value) : ""]))
        : [];
    return {
      values: inner.reduce((sum, { values }) => sum + values, 1),
      levels: inner.reduce((most, { levels }) => Math.max(most, levels + 1), 0),
    };
  }

  function walkAlias(alias: Alias, path: ConfigPath): Size {
    const anchor = anchors.get(alias.source);
    if (anchor === undefined) {
      const inside = open.has(alias.source);
      report(
        alias,
        path,
        inside ? `*${alias.source} stands inside of what it repeats` : `no &${alias.source} above`,
      );
      return { values: 1, levels: 0 };
    }
    targets.set(alias, anchor.node);
    if (path.length + anchor.levels > configLimits.depth) {
      report(alias, path, `nested deeper than ${configLimits.depth} levels`);
    }
    return anchor;
  }

  function checkScalar(node: Scalar, path: ConfigPath): void {
    if (typeof node.value === "string") {
      node.value = restorePlaceholders(node.value);
      texts.push({ scalar: node as Scalar<string>, path });
    } else if (typeof node.value === "number" && !Number.isFinite(node.value)) {
      report(node, path, "must be a finite number");
    }
  }

  function checkKeys(pairs: readonly { key: unknown }[], path: ConfigPath): void {
    const seen = new Set<string>();
    for (const { key } of pairs) {
      if (!isScalar(key)) {
        report(key, path, "a key must be plain text");
        continue;
      }
      const name = restorePlaceholders(String(key.value));
      key.value = name;
      if (seen.has(name)) report(key, [...path, name], "the same key stands above");
      if (name === "__proto__") report(key, [...path, name], "is no key; choose another name");
      if (name === "<<")
        report(
          key,
          [...path, name],
          "merge keys are not supported: repeat the keys, or bind at a more general level",
        );
      seen.add(name);
    }
  }

  const { values } = walk(document.contents, []);
  if (values > configLimits.values) {
    const message = `${values} values with all aliases expanded, the limit is ${configLimits.values}`;
    problems.push({ offset: 0, path: [], message });
  }
  return { targets, texts, problems };
}

/** The character where a node starts; 0 for what is not in the file. */
export function startOf(node: unknown): number {
  if (isAlias(node) || isMap(node) || isSeq(node) || isScalar(node)) return node.range?.[0] ?? 0;
  return 0;
}
