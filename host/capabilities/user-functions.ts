import { capabilityFunctions, type FunctionShape } from "#sdk/abi/host-functions.ts";
import type { HostCall, HostFunction, HostImport } from "./capability.ts";

type Functions = typeof capabilityFunctions;

/** The functions of a capability as imports, with the types that the ABI says. @param suspends whether they may answer a promise */
export function userImports<Name extends keyof Functions>(
  capability: Name,
  functions: { readonly [K in keyof Functions[Name]]: HostFunction },
  { suspends = false } = {},
): Readonly<Record<string, HostImport>> {
  const shapes: Readonly<Record<string, FunctionShape>> = capabilityFunctions[capability];
  return Object.fromEntries(
    Object.entries<HostFunction>(functions).map(([name, run]) => {
      const { params = [], result = null } = shapes[name] ?? {};
      return [userImport(name), { params: params.length, result: result !== null, suspends, run }];
    }),
  );
}

/** What a capability provides, granted or not. */
export function userImportNames(capability: keyof Functions): readonly string[] {
  return Object.keys(capabilityFunctions[capability]).map(userImport);
}

const userImport = (name: string) => `extism:host/user.${name}`;

/** What a plugin asks for cannot be done; ends its call, with a message for its author. */
export class Refused extends Error {
  override readonly name = "Refused";
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The block at an offset, of at most `limit` bytes; `what` names it in the message.
 * @throws Refused
 */
export function readWithin(call: HostCall, offset: bigint, { limit, what }: Limit): Uint8Array {
  const bytes = call.readFirst(offset, limit + 1);
  if (bytes.length > limit) throw new Refused(`${what} has more than ${limit} bytes`);
  return bytes;
}

export type Limit = { readonly limit: number; readonly what: string };

/**
 * As `readWithin`, as text: two keys that are not one must not become one.
 * @throws Refused
 */
export function readText(call: HostCall, offset: bigint, limit: Limit): string {
  const bytes = readWithin(call, offset, limit);
  try {
    return utf8.decode(bytes);
  } catch {
    throw new Refused(`${limit.what} is not UTF-8`);
  }
}

/**
 * A new block; 0 for null, which is nothing.
 * @throws Refused where there is no memory for it: nothing would be the wrong answer.
 */
export function answerBlock(call: HostCall, bytes: Uint8Array | string | null): bigint {
  if (bytes === null) return 0n;
  const offset = call.write(bytes);
  if (offset === 0n && bytes.length > 0) throw new Refused("the call has no memory left for the answer");
  return offset;
}

/** What stands for ever; more milliseconds than a clock will count. */
const longestTtlMs = 2 ** 46;

/**
 * Milliseconds; Infinity for what will not expire in a thousand years.
 * @throws Refused
 */
export function ttlOf(ttlMs: bigint): number {
  if (ttlMs < 0n) throw new Refused(`ttlMs is ${ttlMs}; it must be 0 or more`);
  return ttlMs > longestTtlMs ? Number.POSITIVE_INFINITY : Number(ttlMs);
}
