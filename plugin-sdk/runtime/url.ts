import machine, { type URLRecord } from "whatwg-url/lib/url-state-machine.js";
import { pairsOf, queryOf, SharedQuery, URLSearchParamsGlobal } from "./url-search-params.ts";

/** WHATWG URL over the state machine of whatwg-url. Hosts are ASCII, or their `xn--` form: `ascii-domain.ts` says why. */
export class URLGlobal {
  #url: URLRecord;
  readonly #query: SharedQuery;
  readonly searchParams: URLSearchParamsGlobal;

  constructor(url: unknown, base?: unknown) {
    this.#url = parse(url, base === undefined ? null : parse(base, null));
    this.#query = new SharedQuery(this.#url.query, () => {
      this.#url.query = queryOf(this.#query.pairs) || null;
    });
    this.searchParams = new URLSearchParamsGlobal(this.#query);
  }

  static canParse(url: unknown, base?: unknown): boolean {
    return URLGlobal.parse(url, base) !== null;
  }

  static parse(url: unknown, base?: unknown): URLGlobal | null {
    try {
      return new URLGlobal(url, base);
    } catch (thrown) {
      if (thrown instanceof TypeError) return null;
      throw thrown;
    }
  }

  get href(): string {
    return machine.serializeURL(this.#url);
  }

  set href(value: unknown) {
    this.#url = parse(value, null);
    this.#query.pairs = pairsOf(this.#url.query);
  }

  get origin(): string {
    return machine.serializeURLOrigin(this.#url);
  }

  get protocol(): string {
    return `${this.#url.scheme}:`;
  }

  set protocol(value: unknown) {
    this.#change(`${value}:`, "scheme start");
  }

  get username(): string {
    return this.#url.username;
  }

  set username(value: unknown) {
    if (!machine.cannotHaveAUsernamePasswordPort(this.#url)) machine.setTheUsername(this.#url, scalar(value));
  }

  get password(): string {
    return this.#url.password;
  }

  set password(value: unknown) {
    if (!machine.cannotHaveAUsernamePasswordPort(this.#url)) machine.setThePassword(this.#url, scalar(value));
  }

  get host(): string {
    return this.#url.port === null ? this.hostname : `${this.hostname}:${this.#url.port}`;
  }

  set host(value: unknown) {
    if (!machine.hasAnOpaquePath(this.#url)) this.#change(value, "host");
  }

  get hostname(): string {
    return this.#url.host === null ? "" : machine.serializeHost(this.#url.host);
  }

  set hostname(value: unknown) {
    if (!machine.hasAnOpaquePath(this.#url)) this.#change(value, "hostname");
  }

  get port(): string {
    return String(this.#url.port ?? "");
  }

  set port(value: unknown) {
    if (machine.cannotHaveAUsernamePasswordPort(this.#url)) return;
    const port = scalar(value);
    if (port === "") this.#url.port = null;
    else this.#change(port, "port");
  }

  get pathname(): string {
    return machine.serializePath(this.#url);
  }

  set pathname(value: unknown) {
    if (machine.hasAnOpaquePath(this.#url)) return;
    this.#url.path = [];
    this.#change(value, "path start");
  }

  get search(): string {
    return withMark("?", this.#url.query);
  }

  set search(value: unknown) {
    const query = withoutMark("?", value);
    this.#url.query = query === null ? null : "";
    if (query !== null) this.#change(query, "query");
    this.#query.pairs = pairsOf(this.#url.query);
  }

  get hash(): string {
    return withMark("#", this.#url.fragment);
  }

  set hash(value: unknown) {
    const fragment = withoutMark("#", value);
    this.#url.fragment = fragment === null ? null : "";
    if (fragment !== null) this.#change(fragment, "fragment");
  }

  get [Symbol.toStringTag](): string {
    return "URL";
  }

  toString(): string {
    return this.href;
  }

  toJSON(): string {
    return this.href;
  }

  /** What does not parse changes nothing. */
  #change(value: unknown, stateOverride: string): void {
    machine.basicURLParse(scalar(value), { url: this.#url, stateOverride });
  }
}

function parse(value: unknown, baseURL: URLRecord | null): URLRecord {
  const text = scalar(value);
  const url = machine.basicURLParse(text, { baseURL });
  if (url === null) throw new TypeError(`Invalid URL: ${text}`);
  return url;
}

function withMark(mark: string, part: string | null): string {
  return part === null || part === "" ? "" : mark + part;
}

/** Null for an empty part; one that is only its mark is there, and empty. */
function withoutMark(mark: string, value: unknown): string | null {
  const text = scalar(value);
  if (text === "") return null;
  return text.startsWith(mark) ? text.slice(1) : text;
}

/** A USVString of Web IDL. */
function scalar(value: unknown): string {
  return String(value).toWellFormed();
}
