import { moduleLimits } from "#host/limits.ts";
import { compileWhole } from "#host/sandbox/compile.ts";
import { meterModule } from "#host/sandbox/meter.ts";
import { decodeModule } from "#host/sandbox/wasm/decode.ts";
import { encodeModule } from "#host/sandbox/wasm/encode.ts";

export type Side = "metered" | "raw";
type ImportsOf = (module: WebAssembly.Module, side: Side) => WebAssembly.Imports;

/**
 * Two instances of one module that differ in the meter and in nothing else. Both get the same imports; the
 * metered one has so much fuel that its slice hardly ever ends. By default every import answers 0.
 */
export async function meteredPair(
  bytes: Uint8Array,
  importsOf: ImportsOf = importsAnsweringZero,
): Promise<{ metered: WebAssembly.Instance; raw: WebAssembly.Instance }> {
  const module = decodeModule(bytes);
  const metered = encodeModule(await meterModule(module, { memoryPages: moduleLimits.memoryPagesHard }));
  return {
    metered: await instantiate(await compileWhole(metered), (compiled) => importsOf(compiled, "metered")),
    raw: await instantiate(await compileWhole(bytes), (compiled) => importsOf(compiled, "raw")),
  };
}

const muchFuel = 2 ** 31 - 1;

async function instantiate(
  module: WebAssembly.Module,
  importsOf: (module: WebAssembly.Module) => WebAssembly.Imports,
): Promise<WebAssembly.Instance> {
  let fuel: WebAssembly.Global | undefined;
  const slice = () => {
    if (fuel !== undefined) fuel.value = muchFuel;
    return 0;
  };
  const imports = { ...importsOf(module), "sandgate:meter": { slice } };
  const instance = await WebAssembly.instantiate(module, imports);
  fuel = instance.exports["sandgate:fuel"] as WebAssembly.Global | undefined;
  return instance;
}

export function importsAnsweringZero(module: WebAssembly.Module): Record<string, Record<string, unknown>> {
  const imports: Record<string, Record<string, unknown>> = {};
  for (const { module: namespace, name } of WebAssembly.Module.imports(module)) {
    imports[namespace] ??= {};
    imports[namespace][name] = () => 0;
  }
  return imports;
}
