import type { Json } from "./abi/from-schema.ts";

/** A line in the gateway's log. `data` makes it a structured one. */
type LogLine = (message: string, data?: { readonly [name: string]: Json }) => void;

export type Log = {
  readonly trace: LogLine;
  readonly debug: LogLine;
  readonly info: LogLine;
  readonly warn: LogLine;
  readonly error: LogLine;
};

export type HttpRequest = {
  readonly url: string;
  /** Default: GET. */
  readonly method?: string;
  readonly headers?: { readonly [name: string]: string };
  readonly body?: string;
};

export type HttpResponse = {
  /** 0 when the request was refused or failed; the log says why. */
  readonly status: number;
  /** By lower-case name. */
  readonly headers: { readonly [name: string]: string };
  readonly body: string;
};

/** What a plugin may ask of the gateway. A function whose capability the manifest does not name throws. */
export type Host<Config> = {
  /** Of the binding, with the schema's defaults filled in. */
  readonly config: Config;
  readonly log: Log;
  /** Capability `consumers`. */
  readonly consumers: {
    /** The consumer that a key belongs to. */
    find(key: string): string | null;
  };
  /** Capability `http`: to the hosts that the binding's grant lists. */
  readonly http: {
    request(request: HttpRequest): HttpResponse;
  };
};
