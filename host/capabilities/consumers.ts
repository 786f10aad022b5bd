import { createHash, timingSafeEqual } from "node:crypto";
import type { GatewayConfig } from "#config/schema.ts";
import { requestLimits } from "#host/limits.ts";
import type { Capability, CapabilityScope, HostImport } from "./capability.ts";

const find = "extism:host/user.consumers_find";

/** No key of a config is longer than the headers of a request. */
const keyBytes = requestLimits.headerBytes;

type Entry = { readonly digest: Buffer; readonly name: string };

/**
 * `consumers_find(key) -> name`: which consumer a key belongs to, 0 when none. Granted to authenticators:
 * plugins with a hook that writes `identify`. A plugin can ask about a key it has seen, never list them.
 */
export function createConsumers(consumers: GatewayConfig["consumers"]): Capability {
  const entries = index(consumers);
  const imports: Readonly<Record<string, HostImport>> = {
    [find]: {
      params: 1,
      result: true,
      suspends: false,
      run(call, offset) {
        const name = lookUp(entries, call.readFirst(offset, keyBytes + 1));
        return name === null ? 0n : call.write(name);
      },
    },
  };
  return {
    name: "consumers",
    imports: Object.keys(imports),
    needs: 'a hook that writes "identify"',
    grant: (scope) => (isAuthenticator(scope) ? imports : null),
  };
}

function isAuthenticator({ manifest }: CapabilityScope): boolean {
  return manifest.hooks.pre_request?.writes?.includes("identify") ?? false;
}

/** By digest, so that how long a lookup takes says nothing about a key that is nearly right. */
function index(consumers: GatewayConfig["consumers"]): ReadonlyMap<string, Entry> {
  const entries = new Map<string, Entry>();
  for (const [name, { keys = [] }] of Object.entries(consumers)) {
    for (const key of keys) {
      const digest = sha256(key);
      const id = digest.toString("hex");
      // The same key twice names the first consumer, whatever the order of the lookups.
      if (!entries.has(id)) entries.set(id, { digest, name });
    }
  }
  return entries;
}

function lookUp(entries: ReadonlyMap<string, Entry>, key: Uint8Array): string | null {
  const digest = sha256(key);
  const entry = entries.get(digest.toString("hex"));
  return entry !== undefined && timingSafeEqual(entry.digest, digest) ? entry.name : null;
}

function sha256(key: Uint8Array | string): Buffer {
  return createHash("sha256").update(key).digest();
}
