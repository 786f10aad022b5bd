import type { Effect } from "../abi/effects.ts";
import type { HookInput } from "../abi/input.ts";
import type { Plugin } from "../define-plugin.ts";
import { ConfigRefused } from "./describe-error.ts";
import { createHost } from "./host.ts";
import { inputJson, inputText, outputJson } from "./native.ts";

type Exports = Record<string, () => unknown>;
type Answer = readonly Effect[] | Effect | undefined | null;

/** The functions that a module exports for a plugin: `configure` and the hooks that it handles. */
export function hooksOf({ manifest, handlers }: Plugin): Exports {
  const host = createHost(manifest.capabilities ?? []);

  function configure(): unknown {
    host.config = JSON.parse(inputText() || "{}");
    try {
      const done: unknown = handlers.configure?.(host.config, host);
      return isPromise(done) ? done.then(nothing, refuse) : undefined;
    } catch (reason) {
      throw refuse(reason);
    }
  }

  const exports: Exports = { configure };
  // Called as members, so that `this` is the object that the author wrote.
  if (isFunction(handlers.preRequest))
    exports["pre_request"] = () => answer(handlers.preRequest?.(input(), host));
  if (isFunction(handlers.postRequest))
    exports["post_request"] = () => answer(handlers.postRequest?.(input(), host));
  if (isFunction(handlers.error)) exports["error"] = () => answer(handlers.error?.(input(), host));
  return exports;
}

const input = inputJson as () => HookInput;

function answer(given: unknown): unknown {
  return isPromise(given) ? given.then(write) : write(given);
}

function write(given: unknown): void {
  const effects = given as Answer;
  if (effects === undefined || effects === null) return;
  const list = Array.isArray(effects) ? effects : [effects];
  if (list.length > 0) outputJson({ effects: list });
}

function isFunction(value: unknown): boolean {
  return typeof value === "function";
}

function isPromise(value: unknown): value is Promise<unknown> {
  return value instanceof Promise;
}

function nothing(): void {}

/** A plain Error says what is wrong with the config; of any other kind it is a mistake in the plugin. */
function refuse(reason: unknown): never {
  if (reason instanceof Error && reason.name === "Error")
    throw new ConfigRefused(reason.message.toWellFormed());
  throw reason;
}
