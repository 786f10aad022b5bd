import { createRequire } from "node:module";
import type wabtInit from "wabt";
import type { HostImport } from "#host/capabilities/capability.ts";
import { callLimits, moduleLimits } from "#host/limits.ts";
import { standardImports } from "#host/sandbox/link.ts";
import type { LogLevel } from "#host/sandbox/log-lines.ts";
import type { CallResult } from "#host/sandbox/outcome.ts";
import { createPool, type Pool, type PoolOptions } from "#host/sandbox/pool.ts";
import { type PreparedModule, prepare } from "#host/sandbox/prepare.ts";

const wabt = await (createRequire(import.meta.url)("wabt") as typeof wabtInit)();

/** The binary of a module in the text format. */
export function assembleWat(text: string): Uint8Array {
  const module = wabt.parseWat("fixture.wat", text);
  try {
    return module.toBinary({}).buffer;
  } finally {
    module.destroy();
  }
}

/** Imports of `extism:host/env` that most fixtures need; unused ones cost nothing. */
export const env = `
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "free" (func $free (param i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "load_u8" (func $load_u8 (param i64) (result i32)))
  (import "extism:host/env" "load_u64" (func $load_u64 (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "store_u64" (func $store_u64 (param i64 i64)))
  (import "extism:host/env" "input_length" (func $input_length (result i64)))
  (import "extism:host/env" "input_offset" (func $input_offset (result i64)))
  (import "extism:host/env" "input_load_u8" (func $input_load_u8 (param i64) (result i32)))
  (import "extism:host/env" "input_load_u64" (func $input_load_u64 (param i64) (result i64)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (import "extism:host/env" "error_set" (func $error_set (param i64)))
  (import "extism:host/env" "config_get" (func $config_get (param i64) (result i64)))
  (import "extism:host/env" "var_get" (func $var_get (param i64) (result i64)))
  (import "extism:host/env" "var_set" (func $var_set (param i64 i64)))
  (import "extism:host/env" "log_info" (func $log_info (param i64)))
  (import "extism:host/env" "log_error" (func $log_error (param i64)))
`;

/** Functions for fixtures: echo the input, answer a block, put a string of linear memory into a block. */
export const helpersWat = `
  (func $answer (param $block i64) (call $output_set (local.get $block) (call $length (local.get $block))))
  (func $answer_number (param $n i64) (local $b i64)
    (local.set $b (call $alloc (i64.const 8)))
    (call $store_u64 (local.get $b) (local.get $n))
    (call $output_set (local.get $b) (i64.const 8)))
  (func $block (param $from i32) (param $n i32) (result i64) (local $b i64) (local $i i32)
    (local.set $b (call $alloc (i64.extend_i32_u (local.get $n))))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $i) (local.get $n)))
      (call $store_u8 (i64.add (local.get $b) (i64.extend_i32_u (local.get $i)))
        (i32.load8_u (i32.add (local.get $from) (local.get $i))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next)))
    (local.get $b))
`;

export type LogLine = { readonly level: LogLevel; readonly text: string; readonly requestId: string | null };

export type Fixture = {
  readonly pool: Pool;
  readonly log: LogLine[];
  call(hook: string, input?: string | Uint8Array, options?: Parameters<Pool["call"]>[2]): Promise<CallResult>;
};

export type FixtureOptions = Partial<Omit<PoolOptions, "log" | "limits">> & {
  readonly limits?: Partial<PoolOptions["limits"]>;
};

/** A module as the gateway prepares it. `text` is the members of a module in the text format, without the parenthesis. */
export function prepareWat(text: string, imports: readonly string[] = []): Promise<PreparedModule> {
  return prepare(assembleWat(`(module ${text})`), {
    memoryPages: moduleLimits.memoryPages,
    imports: new Set([...standardImports, ...imports]),
  });
}

/** A pool over a module in the text format. The caller closes it. */
export async function openFixture(text: string, options: FixtureOptions = {}): Promise<Fixture> {
  const granted: Readonly<Record<string, HostImport>> = options.imports ?? {};
  const log: LogLine[] = [];
  const pool = await createPool(await prepareWat(text, Object.keys(granted)), {
    name: "fixture",
    config: null,
    state: "request",
    ...options,
    imports: granted,
    limits: {
      fuel: callLimits.fuel,
      deadlineMs: callLimits.deadlineMs,
      memoryPages: moduleLimits.memoryPages,
      ...options.limits,
    },
    log: (level, text, requestId) => log.push({ level, text, requestId }),
  });
  return { pool, log, call: (hook, input = "", callOptions) => pool.call(hook, input, callOptions) };
}

export function textOf({ output }: CallResult): string {
  return Buffer.from(output).toString("utf8");
}

/** The i64 of `$answer_number`. */
export function numberOf({ output }: CallResult): bigint {
  return new DataView(output.buffer, output.byteOffset, output.length).getBigInt64(0, true);
}
