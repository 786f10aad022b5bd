import urlencoded from "whatwg-url/lib/urlencoded.js";

export type Pair = [name: string, value: string];

/** The parameters of a URL, which it and its `searchParams` hold together. */
export class SharedQuery {
  pairs: Pair[];
  /** Called by `searchParams` after it changed them. */
  readonly changed: () => void;

  constructor(query: string | null, changed: () => void) {
    this.pairs = pairsOf(query);
    this.changed = changed;
  }
}

export function pairsOf(query: string | null): Pair[] {
  return query === null ? [] : urlencoded.parseUrlencodedString(query);
}

export function queryOf(pairs: readonly Pair[]): string {
  return urlencoded.serializeUrlencoded(pairs);
}

type Init = string | Iterable<Iterable<unknown>> | Readonly<Record<string, unknown>> | SharedQuery;

/** WHATWG URL, the parser and serializer being those of whatwg-url. */
export class URLSearchParamsGlobal {
  readonly #query: SharedQuery;

  constructor(init: Init = "") {
    if (init instanceof SharedQuery) this.#query = init;
    else {
      this.#query = new SharedQuery(null, () => {});
      this.#query.pairs = pairsOfInit(init);
    }
  }

  get size(): number {
    return this.#query.pairs.length;
  }

  append(name: string, value: string): void {
    this.#query.pairs.push([scalar(name), scalar(value)]);
    this.#query.changed();
  }

  delete(name: string, value?: string): void {
    const isGone = matcher(name, value);
    this.#query.pairs = this.#query.pairs.filter((pair) => !isGone(pair));
    this.#query.changed();
  }

  get(name: string): string | null {
    return this.#query.pairs.find(matcher(name))?.[1] ?? null;
  }

  getAll(name: string): string[] {
    return this.#query.pairs.filter(matcher(name)).map(([, value]) => value);
  }

  has(name: string, value?: string): boolean {
    return this.#query.pairs.some(matcher(name, value));
  }

  set(name: string, value: string): void {
    const { pairs } = this.#query;
    const isNamed = matcher(name);
    const first = pairs.findIndex(isNamed);
    if (first === -1) pairs.push([scalar(name), scalar(value)]);
    else {
      this.#query.pairs = pairs.filter((pair, index) => index <= first || !isNamed(pair));
      this.#query.pairs[first] = [scalar(name), scalar(value)];
    }
    this.#query.changed();
  }

  sort(): void {
    this.#query.pairs.sort(([left], [right]) => (left < right ? -1 : Number(left > right)));
    this.#query.changed();
  }

  forEach(call: (value: string, name: string, params: URLSearchParamsGlobal) => void, self?: unknown): void {
    for (const [name, value] of this) call.call(self, value, name, this);
  }

  /** Follows what is changed meanwhile. */
  *entries(): Generator<Pair, undefined> {
    for (let index = 0; index < this.size; index++) yield [...(this.#query.pairs[index] as Pair)];
  }

  *keys(): Generator<string, undefined> {
    for (const [name] of this) yield name;
  }

  *values(): Generator<string, undefined> {
    for (const [, value] of this) yield value;
  }

  [Symbol.iterator](): Generator<Pair, undefined> {
    return this.entries();
  }

  get [Symbol.toStringTag](): string {
    return "URLSearchParams";
  }

  toString(): string {
    return queryOf(this.#query.pairs);
  }
}

function matcher(name: string, value?: string): (pair: Pair) => boolean {
  const wanted = scalar(name);
  const wantedValue = value === undefined ? undefined : scalar(value);
  return (pair) => pair[0] === wanted && (wantedValue === undefined || pair[1] === wantedValue);
}

function pairsOfInit(init: Exclude<Init, SharedQuery>): Pair[] {
  if ((typeof init !== "object" && typeof init !== "function") || init === null) {
    const query = scalar(init);
    return pairsOf(query.startsWith("?") ? query.slice(1) : query);
  }
  if (!(Symbol.iterator in init)) {
    const named = Object.entries(init).map(([name, value]) => [scalar(name), scalar(value)] as const);
    return [...new Map(named)];
  }
  return Array.from(init as Iterable<Iterable<unknown>>, (one) => {
    const [name, value, ...rest] = [...one];
    if (value === undefined || rest.length > 0)
      throw new TypeError("URLSearchParams: each pair is a name and a value");
    return [scalar(name), scalar(value)];
  });
}

/** A USVString of Web IDL. */
function scalar(value: unknown): string {
  return String(value).toWellFormed();
}
