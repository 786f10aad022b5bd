// Capability `consumers`.

import { blockOf, textOf } from "./blocks";

@external("extism:host/user", "consumers_find")
declare function consumersFind(key: u64): u64;

/** The consumer that a key belongs to, or null. */
export function find(key: string): string | null {
  return textOf(consumersFind(blockOf(key)));
}
