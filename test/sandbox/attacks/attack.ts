import { callLimits, moduleLimits } from "#host/limits.ts";
import type { LogSink } from "#host/sandbox/log-lines.ts";
import type { CallResult, Outcome } from "#host/sandbox/outcome.ts";
import { createPool, type Pool, type PoolOptions } from "#host/sandbox/pool.ts";
import { Rejected } from "#host/sandbox/prepare.ts";
import { ConfigureRefused } from "#host/sandbox/provision.ts";
import { prepareBytes } from "../built-module.ts";
import { assembleWat, env, helpersWat } from "../fixture.ts";

/** A hostile module, and the one way in which running it may end. */
export type Attack = {
  readonly outcome: Outcome;
  /** Of the result, or of what refuses the module. */
  readonly error?: RegExp;
  /** Members beside `imports`, those of the kernel and a memory, or the whole module; its export `attack` is called. */
  readonly module: string | (() => Uint8Array | Promise<Uint8Array>);
  readonly imports?: string;
  /** Pages of the memory. */
  readonly memory?: string;
  readonly input?: string;
  readonly options?: Partial<Pick<PoolOptions, "imports" | "state" | "limits">>;
};

export type Attacks = Readonly<Record<string, Attack>>;

export type Ended = Pick<CallResult, "outcome" | "error" | "output" | "fuelUsed">;

async function bytesOf({ module, imports = "", memory = "1" }: Attack): Promise<Uint8Array> {
  if (typeof module !== "string") return module();
  return assembleWat(`(module ${imports} ${env} (memory ${memory}) ${helpersWat} ${module})`);
}

/** Prepares, starts and calls, as the gateway would; how that ends in the words of the outcomes. */
export async function run(attack: Attack, log: LogSink = () => {}): Promise<Ended> {
  try {
    const pool = await openPool(await bytesOf(attack), attack.options, log);
    try {
      return await pool.call("attack", attack.input ?? "");
    } finally {
      await pool.close(0);
    }
  } catch (thrown) {
    if (thrown instanceof ConfigureRefused) return thrown.result;
    if (!(thrown instanceof Rejected)) throw thrown;
    return { outcome: "rejected", error: thrown.message, output: new Uint8Array(0), fuelUsed: 0 };
  }
}

async function openPool(
  bytes: Uint8Array,
  options: Attack["options"] = {},
  log: LogSink = () => {},
): Promise<Pool> {
  return createPool(await prepareBytes(bytes, Object.keys(options.imports ?? {})), {
    name: "attack",
    config: null,
    state: "request",
    imports: {},
    limits: {
      fuel: callLimits.fuel,
      deadlineMs: 20_000,
      memoryPages: moduleLimits.memoryPages,
    },
    ...options,
    log,
  });
}

/** A plugin that answers its input. */
export const honest: Attack = {
  outcome: "ok",
  module: `(func (export "attack") (result i32) (call $output_set (call $input_offset) (call $input_length)) (i32.const 0))`,
  input: "still here",
};
