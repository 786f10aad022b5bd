import type { HostImport } from "#host/capabilities/capability.ts";
import { envFunctions } from "./env-functions.ts";
import type { Linkable, Linkables } from "./extism.ts";
import type { GuestCall } from "./guest-call.ts";
import type { GuestFunction, GuestState } from "./guest-function.ts";
import type { Kernel } from "./kernel.ts";
import { kernelFunctions, kernelSignatures } from "./kernel-module.ts";
import type { PreparedModule } from "./prepare.ts";
import { Rejected } from "./rejected.ts";
import { wasiFunctions } from "./wasi.ts";
import type { ValType } from "./wasm/module.ts";
import { i32, i64, valTypeName } from "./wasm/value-types.ts";

const envNamespace = "extism:host/env";
const wasiNamespace = "wasi_snapshot_preview1";

/** Every import that exists for any plugin, as `namespace.name`: the kernel, logs, config, variables, http, WASI. */
export const standardImports: ReadonlySet<string> = new Set([
  ...kernelFunctions.map((name) => `${envNamespace}.${name}`),
  ...Object.keys(envFunctions).map((name) => `${envNamespace}.${name}`),
  ...Object.keys(wasiFunctions).map((name) => `${wasiNamespace}.${name}`),
]);

/** The functions of JavaScript for a module's imports, by namespace and name; the kernel's are absent. */
export type GuestFunctions = Readonly<Record<string, Readonly<Record<string, GuestFunction>>>>;

/**
 * Finds the function for each import of a module: the granted ones first, then what exists for every plugin.
 * @throws Rejected when an import does not exist for this plugin or has another type
 */
export function resolveImports(
  prepared: PreparedModule,
  granted: Readonly<Record<string, HostImport>>,
): GuestFunctions {
  const found: Record<string, Record<string, GuestFunction>> = Object.create(null);
  for (const { module, name, kind, params, results } of prepared.imports) {
    const key = `${module}.${name}`;
    if (kind !== "func" && kind !== "function") {
      throw new Rejected("import", `import ${key} is a ${kind}; only functions can be imported`);
    }
    const kernel = module === envNamespace ? kernelSignatures.get(name) : undefined;
    const own =
      kernel === undefined ? (grantedFunction(granted, key) ?? standardFunction(module, name)) : null;
    const target = kernel ?? own;
    if (target === null) throw new Rejected("import", `import ${key} does not exist for this plugin`);
    if (!sameTypes(target.params, params) || !sameTypes(target.results, results)) {
      throw new Rejected(
        "import",
        `import ${key} is ${typeText(target.params, target.results)}, the module says ${typeText(params, results)}`,
      );
    }
    if (own === null) continue;
    found[module] ??= Object.create(null) as Record<string, GuestFunction>;
    found[module][name] = own;
  }
  return found;
}

/** What an instance is linked with. `current` answers the call that runs, null when none does. */
export function linkables(
  functions: GuestFunctions,
  kernel: Kernel,
  state: GuestState,
  current: () => GuestCall | null,
): Record<string, Record<string, Linkable>> {
  const linked: Record<string, Record<string, Linkable>> = { [envNamespace]: { ...kernel.env } };
  for (const [namespace, members] of Object.entries(functions)) {
    linked[namespace] ??= {};
    for (const [name, fn] of Object.entries(members)) {
      linked[namespace][name] = guarded(fn, `${namespace}.${name}`, state, current);
    }
  }
  return linked satisfies Linkables;
}

/**
 * The function as wasm calls it: refused when the call is over, counted, paid for, and never throwing, because
 * a plugin could catch what is thrown. A promise suspends the plugin; every one settles, with the call if need be.
 */
function guarded(
  fn: GuestFunction,
  key: string,
  state: GuestState,
  current: () => GuestCall | null,
): Linkable {
  const coerce = coercion(fn.results[0]);
  const run = (...args: unknown[]): unknown => {
    const call = current();
    if (call === null || !call.admit()) return coerce(undefined);
    try {
      const value = fn.run(call, state, ...args);
      if (!(value instanceof Promise)) return coerce(value);
      if (fn.suspends === true) return call.hostValue(value, key).then(coerce);
      value.catch(() => {});
      throw new TypeError("it answered a promise, but cannot suspend");
    } catch (thrown) {
      call.end({ outcome: "error", error: `${key} failed: ${String(thrown)}` });
      return coerce(undefined);
    }
  };
  return fn.suspends === true ? new WebAssembly.Suspending(run) : run;
}

function coercion(type: ValType | undefined): (value: unknown) => unknown {
  if (type === undefined) return () => undefined;
  if (type === i64) return (value) => (typeof value === "bigint" ? value : 0n);
  return (value) => Number(value ?? 0);
}

function standardFunction(module: string, name: string): GuestFunction | null {
  const table = module === envNamespace ? envFunctions : module === wasiNamespace ? wasiFunctions : null;
  return table !== null && Object.hasOwn(table, name) ? (table[name] ?? null) : null;
}

function grantedFunction(granted: Readonly<Record<string, HostImport>>, key: string): GuestFunction | null {
  const host = Object.hasOwn(granted, key) ? granted[key] : undefined;
  if (host === undefined) return null;
  // The status code is the one function of the Extism ABI that answers an i32 through a capability.
  const result = key === `${envNamespace}.http_status_code` ? i32 : i64;
  return {
    params: Array.from({ length: host.params }, () => i64),
    results: host.result ? [result] : [],
    suspends: host.suspends,
    run: (call, _state, ...args: bigint[]) => host.run(call, ...args),
  };
}

function sameTypes(left: readonly ValType[], right: readonly ValType[]): boolean {
  return left.length === right.length && left.every((type, index) => type === right[index]);
}

function typeText(params: readonly ValType[], results: readonly ValType[]): string {
  return `(${params.map(valTypeName).join(", ")}) -> (${results.map(valTypeName).join(", ")})`;
}
