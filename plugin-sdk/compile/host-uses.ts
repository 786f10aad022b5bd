import type { CapabilityName } from "../abi/host-functions.ts";
import { type Origin, originOf, type Positions } from "../runtime/origin.ts";

/** The members of `Host`, by the capability that each needs. */
const members: Readonly<Record<CapabilityName, readonly string[]>> = {
  cache: ["get", "set", "delete"],
  consumers: ["find"],
  counters: ["get", "add", "take"],
  crypto: ["hash", "hmac", "verify", "equal"],
  http: ["request", "requestAll"],
  kv: ["get", "set", "delete"],
  metrics: ["count", "gauge", "observe"],
  secrets: ["reference"],
};

const capabilityUse = new RegExp(
  Object.entries(members)
    .map(([name, functions]) => `\\.(${name})\\??\\.(?:${functions.join("|")})\\b`)
    .join("|"),
  "g",
);
/** Any use of the names: what is not a member of `Host` costs the module an import that it does not need, no more. */
const sourceUse = /\b(now|random|requestAll)\b/g;

export type HostUses = {
  /** Where the code calls a function of a capability: the first place of each. */
  readonly capabilities: ReadonlyMap<CapabilityName, Origin>;
  /** Of `now`, `random` and `requestAll` those that it names. */
  readonly sources: readonly string[];
};

/**
 * What the code of a bundle uses of the host, as far as its text tells: `host.kv.get` is found, a member that is taken out
 * first is not. Code of the SDK does not count.
 */
export function hostUses(code: string, positions: Positions): HostUses {
  const capabilities = new Map<CapabilityName, Origin>();
  const sources = new Set<string>();
  for (const [index, line] of code.split("\n").entries()) {
    const placeOf = (column: number) => originOf(positions, index + 1, column + 1);
    for (const match of line.matchAll(capabilityUse)) {
      const name = match.slice(1).find((group) => group !== undefined) as CapabilityName;
      const origin = capabilities.has(name) ? null : placeOf(match.index + 1);
      if (origin !== null) capabilities.set(name, origin);
    }
    for (const match of line.matchAll(sourceUse)) {
      const name = match[1] as string;
      if (!sources.has(name) && placeOf(match.index) !== null) sources.add(name);
    }
  }
  return { capabilities, sources: [...sources].sort() };
}
