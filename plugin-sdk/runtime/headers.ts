type Pair = [name: string, value: string];
type Init = Iterable<Iterable<unknown>> | Readonly<Record<string, unknown>>;

/** WHATWG Fetch. Iterates by name, values of one name in one, but each `set-cookie` by itself. */
export class HeadersGlobal {
  /** By lower-case name. */
  readonly #values = new Map<string, string[]>();

  constructor(init?: Init) {
    if (init === undefined) return;
    if ((typeof init !== "object" && typeof init !== "function") || init === null)
      throw new TypeError("Headers: an object, a Headers or a list of pairs is wanted");
    const pairs = Symbol.iterator in init ? init : Object.entries(init);
    for (const pair of pairs as Iterable<Iterable<unknown>>) {
      const [name, value, ...rest] = [...pair];
      if (value === undefined || rest.length > 0)
        throw new TypeError("Headers: each pair is a name and a value");
      this.append(name as string, value as string);
    }
  }

  append(name: string, value: string): void {
    const key = checkedName(name);
    const values = this.#values.get(key) ?? [];
    values.push(checkedValue(value));
    this.#values.set(key, values);
  }

  delete(name: string): void {
    this.#values.delete(checkedName(name));
  }

  get(name: string): string | null {
    return this.#values.get(checkedName(name))?.join(", ") ?? null;
  }

  getSetCookie(): string[] {
    return [...(this.#values.get(cookie) ?? [])];
  }

  has(name: string): boolean {
    return this.#values.has(checkedName(name));
  }

  set(name: string, value: string): void {
    this.#values.set(checkedName(name), [checkedValue(value)]);
  }

  forEach(call: (value: string, name: string, headers: HeadersGlobal) => void, self?: unknown): void {
    for (const [name, value] of this) call.call(self, value, name, this);
  }

  /** Follows what is changed meanwhile. */
  *entries(): Generator<Pair, undefined> {
    for (let index = 0; ; index++) {
      const pair = this.#sorted()[index];
      if (pair === undefined) return;
      yield pair;
    }
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
    return "Headers";
  }

  #sorted(): Pair[] {
    const names = [...this.#values.keys()].sort();
    return names.flatMap((name) => {
      const values = this.#values.get(name) ?? [];
      const listed = name === cookie ? values : [values.join(", ")];
      return listed.map((value): Pair => [name, value]);
    });
  }
}

const cookie = "set-cookie";
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const outerSpace = /^[\t\n\r ]+|[\t\n\r ]+$/g;
/** Of a field value: a NUL, an end of line, or no byte at all. */
const badValue = /[\0\n\r\u0100-\uffff]/;

function checkedName(name: unknown): string {
  const text = String(name);
  if (!token.test(text)) throw new TypeError(`Headers: ${JSON.stringify(text)} is no name of a header`);
  return text.toLowerCase();
}

function checkedValue(value: unknown): string {
  const text = String(value).replace(outerSpace, "");
  if (badValue.test(text)) throw new TypeError(`Headers: ${JSON.stringify(text)} is no value of a header`);
  return text;
}
