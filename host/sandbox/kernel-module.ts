import { callLimits } from "#host/limits.ts";
import { guestFunctions, hostFunctions, type KernelFunction, kernelGlobals } from "./kernel-code.ts";
import { assemble, type Instruction } from "./wasm/emit.ts";
import { encodeModule } from "./wasm/encode.ts";
import type { WasmModule } from "./wasm/module.ts";
import { i32 } from "./wasm/value-types.ts";

/** What a plugin may import of the kernel, by name. */
export const kernelSignatures: ReadonlyMap<string, Pick<KernelFunction, "params" | "results">> = new Map(
  Object.entries(guestFunctions),
);
export const kernelFunctions = [...kernelSignatures.keys()];

const functions: Readonly<Record<string, KernelFunction>> = { ...guestFunctions, ...hostFunctions };
const names = Object.keys(functions);

let compiled: WebAssembly.Module | undefined;

/** The kernel, compiled once per process. */
export function kernelModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(encodeModule(describeKernel()));
  return compiled;
}

function describeKernel(): WasmModule {
  const list = Object.values(functions);
  return {
    types: list.map(({ params, results }) => ({ params, results })),
    imports: [],
    functions: list.map((_, index) => index),
    tables: [],
    memories: [{ min: 1, max: callLimits.kernelPages }],
    globals: kernelGlobals.map(({ initial }) => ({
      type: { type: i32, mutable: true },
      init: assemble([["i32.const", initial], ["end"]]),
    })),
    exports: [
      { name: "memory", kind: "memory", index: 0 },
      ...names.map((name, index) => ({ name, kind: "func" as const, index })),
    ],
    start: null,
    elements: [],
    dataCount: null,
    code: list.map((fn) => ({
      locals: (fn.locals ?? []).map((type) => ({ count: 1, type })),
      body: assemble([...flatten(fn.body(call)), ["end"]]),
    })),
    data: [],
    customs: [],
  };
}

function call(name: string): Instruction {
  return ["call", names.indexOf(name)];
}

type Nested = Instruction | readonly Nested[];

function flatten(code: Nested): Instruction[] {
  if (typeof code[0] === "string") return [code as Instruction];
  return (code as readonly Nested[]).flatMap(flatten);
}
