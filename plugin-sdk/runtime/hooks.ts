import type { Effects, Plugin } from "../define-plugin.ts";
import { ConfigRefused } from "./describe-error.ts";
import { createHost } from "./host.ts";
import { inputJson, inputText, outputJson } from "./native.ts";

type Exports = Record<string, () => unknown>;

/** The functions that a module exports for a plugin: `configure` and the hooks that it handles. */
export function hooksOf({ manifest, parseConfig, handlers }: Plugin): Exports {
  const host = createHost(manifest.capabilities ?? []);

  function configure(): unknown {
    const written: unknown = JSON.parse(inputText() || "{}");
    if (parseConfig === null) return configureWith(written);
    const parsed = parseConfig(written);
    return isPromise(parsed)
      ? parsed.then(parsedConfig).then(configureWith)
      : configureWith(parsedConfig(parsed));
  }

  function configureWith(config: unknown): unknown {
    host.config = config;
    try {
      const done: unknown = handlers.configure?.(config, host);
      return isPromise(done) ? done.then(nothing, refuse) : undefined;
    } catch (reason) {
      throw refuse(reason);
    }
  }

  const exports: Exports = { configure };
  for (const [name, member] of Object.entries(handlerNames)) {
    if (!isFunction(handlers[member])) continue;
    // Called as a member, so that `this` is the object that the author wrote.
    exports[name] = () => answer(handlers[member]?.(inputJson(), host));
  }
  return exports;
}

const handlerNames = {
  pre_request: "preRequest",
  post_request: "postRequest",
  post_request_event: "postRequestEvent",
  error: "error",
  schedule: "schedule",
} as const;

type Parsed = Awaited<ReturnType<NonNullable<Plugin["parseConfig"]>>>;

/** What a library's schema made of the config. @throws ConfigRefused with everything that it found wrong */
function parsedConfig(parsed: Parsed): unknown {
  if (parsed.issues === undefined) return parsed.value;
  const problems = parsed.issues.map(({ path = [], message }) => {
    const member = path.map((part) => String(typeof part === "object" ? part.key : part)).join(".");
    return member === "" ? message : `${member}: ${message}`;
  });
  throw new ConfigRefused(problems.join("; ").toWellFormed());
}

function answer(given: unknown): unknown {
  return isPromise(given) ? given.then(write) : write(given);
}

function write(given: unknown): void {
  const effects = given as Effects | null;
  if (effects === undefined || effects === null) return;
  const list = Array.isArray(effects) ? effects : [effects];
  if (list.length > 0) outputJson({ effects: list });
}

function isFunction(value: unknown): boolean {
  return typeof value === "function";
}

function isPromise<Value>(value: Value | Promise<Value>): value is Promise<Value> {
  return value instanceof Promise;
}

function nothing(): void {}

/** A plain Error says what is wrong with the config; of any other kind it is a mistake in the plugin. */
function refuse(reason: unknown): never {
  if (reason instanceof Error && reason.name === "Error")
    throw new ConfigRefused(reason.message.toWellFormed());
  throw reason;
}
