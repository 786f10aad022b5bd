// The parts that the globals are made of, of packages that have no types of their own.

declare module "whatwg-url/lib/url-state-machine.js" {
  export type URLRecord = {
    scheme: string;
    username: string;
    password: string;
    host: string | number | number[] | null;
    port: number | null;
    path: string | string[];
    query: string | null;
    fragment: string | null;
  };
  type ParseOptions = {
    readonly baseURL?: URLRecord | null;
    /** Is changed in place, by what `stateOverride` names. */
    readonly url?: URLRecord;
    readonly stateOverride?: string;
  };
  const machine: {
    /** Null for what is no URL. */
    basicURLParse(text: string, options: ParseOptions): URLRecord | null;
    serializeURL(url: URLRecord): string;
    serializeURLOrigin(url: URLRecord): string;
    serializeHost(host: NonNullable<URLRecord["host"]>): string;
    serializePath(url: URLRecord): string;
    setTheUsername(url: URLRecord, name: string): void;
    setThePassword(url: URLRecord, password: string): void;
    cannotHaveAUsernamePasswordPort(url: URLRecord): boolean;
    hasAnOpaquePath(url: URLRecord): boolean;
  };
  export default machine;
}

declare module "whatwg-url/lib/urlencoded.js" {
  const urlencoded: {
    parseUrlencodedString(query: string): [name: string, value: string][];
    serializeUrlencoded(pairs: readonly (readonly [string, string])[]): string;
  };
  export default urlencoded;
}

declare module "@ungap/structured-clone" {
  /** Opaque; @throws TypeError for what cannot be cloned */
  export function serialize(value: unknown): readonly unknown[];
  export function deserialize<Value>(records: readonly unknown[]): Value;
}
