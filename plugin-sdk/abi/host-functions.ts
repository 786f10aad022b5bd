/**
 * The functions that a capability adds to the import namespace `extism:host/user`, beside what every
 * Extism module may import from `extism:host/env`. Arguments and results are Extism memory offsets
 * (i64; 0 is "nothing"). A manifest names the capability; without a grant the import is refused at load.
 */
export const capabilityFunctions = {
  /** `find(key: UTF-8) -> UTF-8 consumer name, or 0`. Granted to authenticators (hooks that write `identify`). */
  consumers: { consumers_find: { params: 1, result: true } },
} as const;

export type CapabilityName = keyof typeof capabilityFunctions | "http";
