import { createPlugin, type ExtismPluginOptions } from "@extism/extism";
import { callLimits, moduleLimits } from "#host/limits.ts";
import { standardImports } from "#host/sandbox/link.ts";
import type { CallResult } from "#host/sandbox/outcome.ts";
import { createPool } from "#host/sandbox/pool.ts";
import { prepare } from "#host/sandbox/prepare.ts";

export type OracleCall = readonly [hook: string, input: string | Uint8Array];

/** What a caller of an Extism module sees. Output is Latin-1, so that every byte shows; none and empty are the same. */
export type Outcome = {
  readonly output: string;
  /** `error: …` that the plugin set, `trap: …`, or `host: …` where the stock SDK throws out of a host function. */
  readonly failure: string | null;
  /** `level text` */
  readonly log: readonly string[];
};

export type OracleModule = {
  readonly wasm: Uint8Array;
  readonly config?: Readonly<Record<string, string>>;
  /** Whether it exports `_initialize`, which the stock SDK runs only where there is WASI. */
  readonly initializes?: boolean;
};

const errorPrefix = "Plugin-originated error: ";

/** The calls, one after the other, on one plugin of the SDK as it is. */
export async function runStock(module: OracleModule, calls: readonly OracleCall[]): Promise<Outcome[]> {
  let log: string[] = [];
  const plugin = await createPlugin({ wasm: [{ data: new Uint8Array(module.wasm) }] }, {
    useWasi: module.initializes === true,
    config: { ...module.config },
    logger: Object.fromEntries(
      ["trace", "debug", "info", "warn", "error"].map((level) => [
        level,
        (text: string) => log.push(`${level} ${text}`),
      ]),
    ),
    // Every plugin of our SDK imports it and none of these calls it; without it the stock SDK links none of them.
    functions: { "extism:host/env": { log_trace: () => {} } },
  } as unknown as ExtismPluginOptions);
  const outcomes: Outcome[] = [];
  for (const [hook, input] of calls) {
    log = [];
    try {
      const output = await plugin.call(hook, input);
      const bytes = output === null ? new Uint8Array(0) : output.bytes();
      outcomes.push({ output: latin1(bytes), failure: null, log });
    } catch (thrown) {
      outcomes.push({ output: "", failure: failureOf(thrown as Error), log });
    }
  }
  await plugin.close();
  return outcomes;
}

function failureOf(thrown: Error): string {
  if (thrown.message.startsWith(errorPrefix)) return `error: ${thrown.message.slice(errorPrefix.length)}`;
  return `${thrown instanceof WebAssembly.RuntimeError ? "trap" : "host"}: ${thrown.message}`;
}

/** The same calls in the gateway's sandbox, on one instance that keeps its state as a plugin of the SDK does. */
export async function runHere(module: OracleModule, calls: readonly OracleCall[]): Promise<Outcome[]> {
  let log: string[] = [];
  const prepared = await prepare(module.wasm, {
    memoryPages: moduleLimits.memoryPages,
    imports: standardImports,
  });
  const pool = await createPool(prepared, {
    name: "oracle",
    config: null,
    extismConfig: { ...module.config },
    state: "instance",
    limits: {
      fuel: callLimits.fuel,
      deadlineMs: callLimits.deadlineMs,
      memoryPages: moduleLimits.memoryPages,
    },
    imports: {},
    log: (level, text) => log.push(`${level} ${text}`),
  });
  const outcomes: Outcome[] = [];
  for (const [hook, input] of calls) {
    log = [];
    outcomes.push({ ...outcomeOf(await pool.call(hook, input)), log });
  }
  await pool.close(0);
  return outcomes;
}

function outcomeOf({ outcome, output, error }: CallResult): Omit<Outcome, "log"> {
  return { output: latin1(output), failure: outcome === "ok" ? null : `${outcome}: ${error}` };
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}
