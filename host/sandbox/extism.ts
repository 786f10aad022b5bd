import type { ExtismPluginOptions } from "@extism/extism";

const { createPlugin } = await withoutWasiWarning(() => import("@extism/extism"));

/** The SDK loads Node's WASI, which is never used here, and Node warns of it in every process. */
async function withoutWasiWarning<Module>(load: () => Promise<Module>): Promise<Module> {
  const { emitWarning } = process;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (!String(warning).startsWith("WASI is an experimental feature")) {
      Reflect.apply(emitWarning, process, [warning, ...rest]);
    }
  };
  try {
    return await load();
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** What a module may be linked with: a function of JavaScript, an export of another instance, or a suspending import. */
export type Linkable = ((...args: never[]) => unknown) | WebAssembly.Suspending;

/** Functions by namespace and name. */
export type Linkables = Readonly<Record<string, Readonly<Record<string, Linkable>>>>;

/**
 * A function as `createPlugin` takes it. The SDK links `function.bind(null, itsContext)`, which would put
 * a JavaScript frame and a BigInt conversion between two wasm instances and hide a `Suspending` from V8.
 * With a `bind` that answers the target itself, V8 gets exactly what we link.
 */
function unbound(target: Linkable): { bind(): Linkable } {
  return { bind: () => target };
}

/**
 * Instantiates a prepared module through the Extism SDK, which serves as loader and linker. Its own calls,
 * memory, variables and WASI are never used: calls on one plugin share their output, limits are not
 * enforced, and no call can be stopped.
 *
 * @throws WebAssembly.LinkError when an import is missing or of another type, RangeError when there is no
 * address space for the memory, WebAssembly.RuntimeError when a segment lies out of bounds.
 */
export async function instantiate(
  module: WebAssembly.Module,
  linkables: Linkables,
): Promise<WebAssembly.Instance> {
  const functions: Record<string, Record<string, { bind(): Linkable }>> = {};
  for (const [namespace, members] of Object.entries(linkables)) {
    functions[namespace] = Object.fromEntries(
      Object.entries(members).map(([name, target]) => [name, unbound(target)]),
    );
  }
  const plugin = await createPlugin({ wasm: [{ module }] } as Parameters<typeof createPlugin>[0], {
    useWasi: false,
    functions: functions as unknown as NonNullable<ExtismPluginOptions["functions"]>,
  });
  return await (plugin as unknown as { getInstance(): Promise<WebAssembly.Instance> }).getInstance();
}
