import type { TestContext } from "node:test";
import type { BindingConfig } from "#config/schema.ts";
import { createCapabilities, grantImports, memoryBacking } from "#host/capabilities/all.ts";
import type { HostImport } from "#host/capabilities/capability.ts";
import { capabilityFunctions, type FunctionShape } from "#sdk/abi/host-functions.ts";
import type { Manifest } from "#sdk/abi/manifest.ts";
import { env, type Fixture, type FixtureOptions, helpersWat, openFixture } from "#test/sandbox/fixture.ts";

/** A function and its arguments: a text or bytes go into a block, a bigint as it is. */
export type UserCall = readonly [name: string, ...args: (string | Uint8Array | bigint)[]];

const shapes: Readonly<Record<string, FunctionShape>> = Object.assign(
  {},
  ...Object.values(capabilityFunctions),
);

export const manifest: Manifest = {
  name: "calls",
  version: "1.0.0",
  abi: 1,
  hooks: {},
  capabilities: ["kv", "counters", "cache", "metrics", "crypto", "secrets", "http"],
};

export type GrantOptions = {
  readonly backing?: ReturnType<typeof memoryBacking>;
  readonly grants?: BindingConfig["grants"];
  readonly tenant?: string | null;
  readonly plugin?: string;
  readonly binding?: string;
};

/** What a binding gets of the capabilities. */
export function grant({
  backing = memoryBacking(),
  grants = { kv: true, counters: true, cache: true, secrets: ["granted"] },
  tenant = null,
  plugin = "calls",
  binding = "gateway.use.0",
}: GrantOptions = {}): Readonly<Record<string, HostImport>> {
  const secrets = { granted: "s3cret-granted", other: "s3cret-other" };
  const namespace = { tenant, plugin, binding: ["gateway", null, binding] };
  return grantImports(createCapabilities({ secrets }, backing), {
    plugin,
    binding,
    namespace,
    manifest,
    grants,
  });
}

/** A plugin with a hook for each name: it makes the calls in turn, and answers what the last gave. Closed with the test. */
export async function openCalls(
  t: TestContext,
  imports: Readonly<Record<string, HostImport>>,
  hooks: Readonly<Record<string, UserCall | readonly UserCall[]>>,
  options: Pick<FixtureOptions, "limits"> = {},
): Promise<Fixture> {
  let address = 0;
  const data: string[] = [];
  const named = new Set<string>();

  function argument(arg: string | Uint8Array | bigint): string {
    if (typeof arg === "bigint") return `(i64.const ${arg})`;
    const bytes = Buffer.from(arg as Uint8Array);
    const at = address;
    address += bytes.length;
    const text = Array.from(bytes, (byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("");
    data.push(`(data (i32.const ${at}) "${text}")`);
    return `(call $block (i32.const ${at}) (i32.const ${bytes.length}))`;
  }

  function instruction([name, ...args]: UserCall, isLast: boolean): string {
    named.add(name);
    const result = shapes[name]?.result ?? null;
    const call = `(call $${name} ${args.map(argument).join(" ")})`;
    if (result === null) return call;
    if (!isLast) return `(drop ${call})`;
    return result === "block" ? `(call $answer ${call})` : `(call $answer_number ${call})`;
  }

  const functions = Object.entries(hooks).map(([hook, calls]) => {
    const list = (Array.isArray(calls[0]) ? calls : [calls]) as readonly UserCall[];
    const body = list.map((call, index) => instruction(call, index === list.length - 1));
    return `(func (export "${hook}") ${body.join(" ")})`;
  });
  const imported = [...named].map((name) => {
    const { params = [], result = null } = shapes[name] ?? {};
    const type = `(param ${params.map(() => "i64").join(" ")}) ${result === null ? "" : "(result i64)"}`;
    return `(import "extism:host/user" "${name}" (func $${name} ${type}))`;
  });
  const pages = Math.max(1, Math.ceil(address / 65_536));
  const text = `${env} ${imported.join(" ")} (memory ${pages}) ${helpersWat} ${data.join(" ")} ${functions.join(" ")}`;
  // What these tests are about is not how quick a busy machine is.
  const limits = { deadlineMs: 20_000, ...options.limits };
  const fixture = await openFixture(text, { limits, imports });
  t.after(() => fixture.pool.close(0));
  return fixture;
}

/** The outcome of a hook with its error, or what it put out as text. */
export async function outcomeOf(fixture: Fixture, hook: string): Promise<string> {
  const { outcome, error, output } = await fixture.call(hook);
  return outcome === "ok" ? Buffer.from(output).toString() : `${outcome}: ${error}`;
}
