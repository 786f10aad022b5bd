import type { Conditions } from "./conditions.ts";

/** What routes are narrowed by, of one request. */
export type Narrowing = {
  readonly method: string;
  /** As `hostName` gives it. */
  readonly host: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly model: () => string | undefined;
};

/**
 * The most narrowed route whose conditions the request meets. Methods that would have been accepted are
 * added to `allow`.
 */
export type FindNarrowed = (request: Narrowing, allow: Set<string>) => string | undefined;

type ModelKind = "exact" | "prefix" | "any";

/**
 * Routes that are narrowed by the same kinds of conditions, so that one hash lookup finds those a request
 * meets ("tuple space search"). The cost grows with the kinds in use, not with the routes.
 */
type Shape = {
  readonly host: boolean;
  readonly headerNames: readonly string[];
  readonly methods: boolean;
  readonly model: ModelKind;
  /** By host and header values, then by model. */
  readonly rows: Map<string, Map<string, Conditions[]>>;
  /** Of model prefixes, longest first. */
  prefixLengths: readonly number[];
};

/**
 * Compiles the routes of one path. The route with more conditions goes first (hosts, each header, methods and
 * models count one each); among equals hosts count before headers, methods and models, an exact model before
 * a longer prefix before a shorter one, and at last the route's name decides.
 */
export function compileNarrowing(routes: readonly Conditions[]): FindNarrowed {
  const shapes = compileShapes(routes);
  return (request, allow) => {
    for (const shape of shapes) {
      const row = rowOf(shape, request);
      if (row === undefined) continue;
      for (const model of modelKeys(shape, request)) {
        for (const { route, methods } of row.get(model) ?? []) {
          if (methods === null || methods.has(request.method)) return route;
          for (const method of methods) allow.add(method);
        }
      }
    }
    return undefined;
  };
}

function compileShapes(routes: readonly Conditions[]): readonly Shape[] {
  const shapes = new Map<string, Shape>();
  for (const route of routes.toSorted((a, b) => (a.route < b.route ? -1 : 1))) {
    const { exact, prefixes } = route.models ?? { exact: [], prefixes: [] };
    if (route.models === null) add(route, "any", [""]);
    if (exact.length > 0) add(route, "exact", exact);
    if (prefixes.length > 0) add(route, "prefix", prefixes);
  }
  for (const shape of shapes.values()) shape.prefixLengths = lengthsOf(shape);
  return [...shapes.values()].sort(moreNarrowed);

  function add(route: Conditions, model: ModelKind, models: readonly string[]): void {
    const headerNames = route.headers.map(([name]) => name);
    const methods = route.methods !== null;
    const key = JSON.stringify([route.hosts !== null, headerNames, methods, model]);
    let shape = shapes.get(key);
    if (shape === undefined) {
      shape = { host: route.hosts !== null, headerNames, methods, model, rows: new Map(), prefixLengths: [] };
      shapes.set(key, shape);
    }
    const values = route.headers.map(([, value]) => value);
    for (const host of route.hosts ?? [""]) {
      const row = getOrAdd(shape.rows, rowKey(host, values), () => new Map<string, Conditions[]>());
      for (const name of models) getOrAdd(row, name, () => []).push(route);
    }
  }
}

function lengthsOf(shape: Shape): readonly number[] {
  if (shape.model !== "prefix") return [];
  const prefixes = [...shape.rows.values()].flatMap((row) => [...row.keys()]);
  return [...new Set(prefixes.map(({ length }) => length))].sort((a, b) => b - a);
}

function moreNarrowed(a: Shape, b: Shape): number {
  const weights = (shape: Shape) => {
    const host = Number(shape.host);
    const methods = Number(shape.methods);
    const model = Number(shape.model !== "any");
    const headers = shape.headerNames.length;
    return [host + headers + methods + model, host, headers, methods, shape.model === "exact" ? 2 : model];
  };
  const [ofA, ofB] = [weights(a), weights(b)];
  const difference = ofA.map((weight, index) => (ofB[index] ?? 0) - weight).find((weight) => weight !== 0);
  return difference ?? (a.headerNames.join() < b.headerNames.join() ? -1 : 1);
}

function rowOf(shape: Shape, request: Narrowing): Map<string, Conditions[]> | undefined {
  const values: string[] = [];
  for (const name of shape.headerNames) {
    const value = Object.hasOwn(request.headers, name) ? request.headers[name] : undefined;
    if (value === undefined) return undefined;
    values.push(value);
  }
  return shape.rows.get(rowKey(shape.host ? request.host : "", values));
}

function rowKey(host: string, values: readonly string[]): string {
  return values.length === 0 ? host : JSON.stringify([host, ...values]);
}

function modelKeys(shape: Shape, request: Narrowing): readonly string[] {
  if (shape.model === "any") return [""];
  const model = request.model();
  if (model === undefined) return [];
  if (shape.model === "exact") return [model];
  return shape.prefixLengths
    .filter((length) => length <= model.length)
    .map((length) => model.slice(0, length));
}

function getOrAdd<Key, Value>(map: Map<Key, Value>, key: Key, create: () => Value): Value {
  const existing = map.get(key);
  if (existing !== undefined) return existing;
  const created = create();
  map.set(key, created);
  return created;
}
