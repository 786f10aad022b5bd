import type { Json } from "../abi/from-schema.ts";
import type { Host, HttpRequest, HttpResponse, Log } from "../host.ts";
import { text } from "./describe-error.ts";
import { log, takeFunction, takeHttp } from "./native.ts";

/** The host as a plugin's handlers see it; `config` is filled in by the configure hook. */
export type LiveHost = { -readonly [K in keyof Host<Json>]: Host<Json>[K] };

/** Only what a capability names is taken from the engine, so that the module's imports show its permissions. */
export function createHost(capabilities: readonly string[]): LiveHost {
  return {
    config: {},
    log: createLog(),
    consumers: {
      find: capabilities.includes("consumers") ? takeFunction("consumers_find") : missing("consumers"),
    },
    http: { request: capabilities.includes("http") ? request() : missing("http") },
  };
}

function missing(capability: string): () => never {
  return () => {
    throw new Error(
      `host.${capability} needs the capability: add capabilities: ["${capability}"] to definePlugin`,
    );
  };
}

function createLog(): Log {
  const at =
    (level: number): Log["info"] =>
    (message, data) => {
      log(level, data === undefined ? text(message) : JSON.stringify({ message, data }));
    };
  return { trace: at(0), debug: at(1), info: at(2), warn: at(3), error: at(4) };
}

function request(): (request: HttpRequest) => HttpResponse {
  const { send, status, headers } = takeHttp();
  return ({ body, ...rest }) => {
    const answer = send(JSON.stringify(rest), body);
    return { status: status(), headers: JSON.parse(headers() ?? "{}"), body: answer ?? "" };
  };
}
