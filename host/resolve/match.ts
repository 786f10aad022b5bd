import type { GatewayConfig } from "#config/schema.ts";
import { type Conditions, hostName, readConditions } from "./conditions.ts";
import { compileNarrowing, type FindNarrowed } from "./narrow.ts";
import { configuredSegments, pathSegments } from "./request-path.ts";

/** What a route is found by. */
export type MatchRequest = {
  readonly method: string;
  /** As the client sent it, without the query. */
  readonly path: string;
  /** The `Host` header, with or without port. */
  readonly host: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** `model` of the body. Called at most once, and only when a route of this path is narrowed by it. */
  readonly model: () => string | undefined;
};

export type Match =
  | {
      readonly kind: "route";
      readonly route: string;
      /** What the upstream path loses, as the client wrote it: `/openai` for `/openai/*`, empty for an exact path. */
      readonly prefix: string;
    }
  | { readonly kind: "none" }
  /** A route would match with one of these methods. */
  | { readonly kind: "method"; readonly allow: readonly string[] };

/** One path segment further into the configured paths. */
type PathNode = {
  readonly children: Map<string, PathNode>;
  readonly exact: Conditions[];
  readonly below: Conditions[];
  findExact: FindNarrowed | undefined;
  findBelow: FindNarrowed | undefined;
};

/**
 * Compiles the routes into a tree of path segments. A match walks the request's segments once, whatever the
 * number of routes: exact path first, then the longest prefix; on one path the most narrowed route. A route
 * whose conditions are not met leaves the request to the next less specific one. `/v1/*` is everything below
 * `/v1/`, and `/v1/` itself, but not `/v1`. A path that could be read in two ways matches nothing.
 */
export function createMatcher(routes: GatewayConfig["routes"]): (request: MatchRequest) => Match {
  const root = buildTree(routes);
  return (request) => {
    const segments = pathSegments(request.path);
    if (segments === null) return { kind: "none" };

    const narrowing = { ...request, host: hostName(request.host), model: once(request.model) };
    const allow = new Set<string>();
    for (const { find, depth } of candidates(root, segments)) {
      const route = find(narrowing, allow);
      if (route !== undefined) return { kind: "route", route, prefix: leading(request.path, depth) };
    }
    return allow.size === 0 ? { kind: "none" } : { kind: "method", allow: [...allow].sort() };
  };
}

function buildTree(routes: GatewayConfig["routes"]): PathNode {
  const root = createNode();
  const nodes = new Set<PathNode>();
  for (const [name, { match }] of Object.entries(routes)) {
    const conditions = readConditions(name, match);
    for (const path of new Set(match.paths)) {
      const isPrefix = path.endsWith("/*");
      const segments = configuredSegments(isPrefix ? path.slice(0, -1) : path);
      if (segments === null) continue;
      const node = descend(root, isPrefix ? segments.slice(0, -1) : segments);
      (isPrefix ? node.below : node.exact).push(conditions);
      nodes.add(node);
    }
  }
  for (const node of nodes) {
    if (node.exact.length > 0) node.findExact = compileNarrowing(node.exact);
    if (node.below.length > 0) node.findBelow = compileNarrowing(node.below);
  }
  return root;
}

function descend(root: PathNode, segments: readonly string[]): PathNode {
  let node = root;
  for (const segment of segments) {
    let child = node.children.get(segment);
    if (child === undefined) {
      child = createNode();
      node.children.set(segment, child);
    }
    node = child;
  }
  return node;
}

function createNode(): PathNode {
  return { children: new Map(), exact: [], below: [], findExact: undefined, findBelow: undefined };
}

/** Most specific first; `depth` is the number of segments that a prefix takes. */
function candidates(root: PathNode, segments: readonly string[]): { find: FindNarrowed; depth: number }[] {
  const found: { find: FindNarrowed; depth: number }[] = [];
  let node: PathNode | undefined = root;
  for (const [depth, segment] of segments.entries()) {
    if (node.findBelow) found.push({ find: node.findBelow, depth });
    node = node.children.get(segment);
    if (node === undefined) return found.reverse();
  }
  if (node.findExact) found.push({ find: node.findExact, depth: 0 });
  return found.reverse();
}

function leading(path: string, segments: number): string {
  return segments === 0 ? "" : path.split("/", segments + 1).join("/");
}

function once<Value>(compute: () => Value): () => Value {
  let result: { readonly value: Value } | undefined;
  return () => {
    result ??= { value: compute() };
    return result.value;
  };
}
