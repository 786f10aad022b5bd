import { moduleLimits } from "#host/limits.ts";
import { standardImports } from "#host/sandbox/link.ts";
import { prepare } from "#host/sandbox/prepare.ts";
import { assembleText } from "#test/conformance/assemble.ts";

/** One run of an export under a meter that this test reads. */
export type Run = {
  /** Units used. After a trap other than `unreachable`: the rest of the slice, and one. */
  readonly fuel: number;
  readonly result: unknown;
  readonly trapped: string | null;
  /** How often the host was asked for another slice. */
  readonly slices: number;
};

export type Metered = (name: string, args?: readonly unknown[], sliceFuel?: number) => Run;

const oneSlice = 2 ** 30;

/**
 * A prepared module outside of the gateway, whose total this test keeps: every slice has `sliceFuel` units. `text` is
 * the members of a module in the text format. Imports answer 0.
 */
export async function meteredWat(text: string): Promise<Metered> {
  return meteredBytes(assembleText(`(module ${text})`));
}

export async function meteredBytes(bytes: Uint8Array): Promise<Metered> {
  const prepared = await prepare(bytes, { memoryPages: moduleLimits.memoryPages, imports: standardImports });
  let total = 0;
  let granted = 0;
  let slices = 0;
  const grant = (units: number) => {
    granted = units;
    fuel.value = units;
  };
  const slice = () => {
    total += granted - fuel.value;
    slices += 1;
    grant(granted);
    return 0;
  };
  const imports: Record<string, Record<string, unknown>> = {};
  for (const { module, name } of prepared.imports) {
    imports[module] ??= {};
    imports[module][name] = () => 0;
  }
  const { exports } = new WebAssembly.Instance(prepared.module, { ...imports, "sandgate:meter": { slice } });
  const fuel = exports["sandgate:fuel"] as WebAssembly.Global;

  return (name, args = [], sliceFuel = oneSlice) => {
    total = 0;
    slices = 0;
    grant(sliceFuel);
    let result: unknown;
    let trapped: string | null = null;
    try {
      result = (exports[name] as WebAssembly.ExportedFunction)(...args);
    } catch (thrown) {
      if (!(thrown instanceof Error)) throw thrown;
      trapped = thrown.message;
    }
    return { fuel: total + granted - fuel.value, result, trapped, slices };
  };
}
