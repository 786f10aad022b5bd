import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Manifest } from "#sdk/abi/manifest.ts";
import { type AdmissionPolicy, admitMetered, admitModule } from "./admit.ts";
import { compileWhole } from "./compile.ts";
import { initializersOf } from "./initializers.ts";
import { type Injection, injectionOf } from "./injection.ts";
import { manifestOf } from "./manifest.ts";
import { meterModule } from "./meter.ts";
import { Rejected } from "./rejected.ts";
import { type Reset, resetOf } from "./reset.ts";
import { spendTypes } from "./type-budget.ts";
import { applyV8Flags } from "./v8-flags.ts";
import { encodeModule } from "./wasm/encode.ts";
import type { Export, Import, WasmModule } from "./wasm/module.ts";
import { typeOfFunction } from "./wasm/signatures.ts";

export { Rejected } from "./rejected.ts";

/** A custom section with the source map (JSON, UTF-8) of what the module was compiled from. */
export const sourceMapSection = "sandgate.source-map";

/** Parameters and results are value types as bytes (`wasm/value-types.ts`). */
export type PreparedImport = {
  readonly module: string;
  readonly name: string;
  readonly kind: string;
  readonly params: number[];
  readonly results: number[];
};
export type PreparedExport = {
  readonly name: string;
  readonly kind: string;
  readonly params?: number[];
  readonly results?: number[];
};

/** A module that may run: metered, compiled, and described as its author wrote it. */
export type PreparedModule = {
  /** Of the original, as are `bytes` (its size), `imports` and `exports`. */
  readonly sha256: string;
  readonly bytes: number;
  readonly module: WebAssembly.Module;
  /** Null when the module has none. */
  readonly manifest: Manifest | null;
  readonly sourceMap: string | null;
  readonly imports: readonly PreparedImport[];
  readonly exports: readonly PreparedExport[];
  /** Exports to call after instantiation, in order; an `i32` parameter gets 0. */
  readonly initializers: readonly string[];
  readonly reset: Reset;
  /** In pages of 64 KiB; `max` is the policy's or the module's own, whichever is less. */
  readonly memory: { readonly min: number; readonly max: number } | null;
};

/** `manifest` is the JSON text of the file beside the module. */
export type PreparePolicy = AdmissionPolicy & { readonly manifest?: string };

/**
 * Makes a hostile `.wasm` safe to instantiate: admission, validation by V8, metering, admission of the
 * result, compilation. Linear in the size; the event loop goes on meanwhile. Throws Rejected.
 */
export async function prepare(bytes: Uint8Array, policy: PreparePolicy): Promise<PreparedModule> {
  const { original, module, manifest, metered, prepared } = await rewrite(bytes, policy);
  return {
    sha256: createHash("sha256").update(original).digest("hex"),
    bytes: original.length,
    module: await compile(prepared, meteredInvalid),
    manifest,
    sourceMap: sourceMapOf(module),
    imports: module.imports.map((one) => describeImport(module, one)),
    exports: module.exports.map((one) => describeExport(module, one)),
    initializers: initializersOf(module),
    reset: await resetOf(module),
    memory: memoryOf(metered),
  };
}

/**
 * The prepared module as bytes, and what preparing added, for whoever runs it without the gateway. It is what
 * `prepare` compiles. Throws Rejected.
 */
export async function prepareBytes(
  bytes: Uint8Array,
  policy: PreparePolicy,
): Promise<{ readonly wasm: Uint8Array; readonly inject: Injection }> {
  const { module, metered, prepared } = await rewrite(bytes, policy);
  if (!WebAssembly.validate(prepared)) throw await invalid(prepared, meteredInvalid);
  return { wasm: prepared, inject: injectionOf(module, metered) };
}

const meteredInvalid = "invalid with metering";

type Rewritten = {
  readonly original: Uint8Array;
  readonly module: WasmModule;
  readonly manifest: Manifest | null;
  readonly metered: WasmModule;
  /** Of the metered module. V8 has not seen it. */
  readonly prepared: Uint8Array;
};

async function rewrite(bytes: Uint8Array, policy: PreparePolicy): Promise<Rewritten> {
  applyV8Flags();
  // A copy (a Buffer's `slice` is none): nobody may change the bytes between the checks.
  const original = new Uint8Array(bytes);
  const module = await admitModule(original, policy);
  spendTypes(module.types);
  await nextTurn();
  // Before metering: a reference out of range would become one to something injected. Some milliseconds
  // at most, after the caps; compiling off the thread would make machine code that nobody runs.
  if (!WebAssembly.validate(original)) throw await invalid(original, "invalid module");
  const manifest = manifestOf(module, policy.manifest);
  await nextTurn();
  const metered = await meterModule(module, policy);
  await nextTurn();
  const prepared = encodeModule(metered);
  await admitMetered(metered, prepared);
  spendTypes(metered.types);
  return { original, module, manifest, metered, prepared };
}

async function compile(bytes: Uint8Array, what: string): Promise<WebAssembly.Module> {
  try {
    return await compileWhole(bytes);
  } catch (thrown) {
    if (!(thrown instanceof WebAssembly.CompileError)) throw thrown;
    throw new Rejected("malformed", `${what}: ${thrown.message.replace(/^WebAssembly\.compile\(\): /, "")}`);
  }
}

/** What V8 finds wrong: only its compiler says. */
async function invalid(bytes: Uint8Array, what: string): Promise<Rejected> {
  try {
    await compile(bytes, what);
  } catch (thrown) {
    if (thrown instanceof Rejected) return thrown;
    throw thrown;
  }
  return new Rejected("malformed", what);
}

function sourceMapOf({ customs }: WasmModule): string | null {
  const found = customs.find(({ name }) => name === sourceMapSection);
  return found === undefined ? null : new TextDecoder().decode(found.bytes);
}

function describeImport({ types }: WasmModule, { module, name, desc }: Import): PreparedImport {
  const type = desc.kind === "func" ? types[desc.type] : undefined;
  return {
    module,
    name,
    kind: desc.kind,
    params: [...(type?.params ?? [])],
    results: [...(type?.results ?? [])],
  };
}

function describeExport(module: WasmModule, { name, kind, index }: Export): PreparedExport {
  if (kind !== "func") return { name, kind };
  const { params, results } = typeOfFunction(module, index);
  return { name, kind, params: [...params], results: [...results] };
}

function memoryOf({ memories }: WasmModule): PreparedModule["memory"] {
  const [memory] = memories;
  return memory === undefined ? null : { min: memory.min, max: memory.max ?? memory.min };
}
