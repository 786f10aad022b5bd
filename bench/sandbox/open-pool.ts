import { callLimits, moduleLimits } from "#host/limits.ts";
import { standardImports } from "#host/sandbox/link.ts";
import { createPool, type Pool, type PoolOptions } from "#host/sandbox/pool.ts";
import { type PreparedModule, prepare } from "#host/sandbox/prepare.ts";

export function prepareModule(bytes: Uint8Array): Promise<PreparedModule> {
  return prepare(bytes, { memoryPages: moduleLimits.memoryPages, imports: standardImports });
}

/** A pool as the gateway opens one, with the default limits. */
export function openPool(prepared: PreparedModule, options: Partial<PoolOptions> = {}): Promise<Pool> {
  return createPool(prepared, {
    name: "bench",
    config: null,
    state: "request",
    limits: {
      fuel: callLimits.fuel,
      deadlineMs: callLimits.deadlineMs,
      memoryPages: moduleLimits.memoryPages,
    },
    imports: {},
    log: () => {},
    ...options,
  });
}
