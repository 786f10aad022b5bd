import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { decodeModule } from "../../host/sandbox/wasm/decode.ts";
import { assemble } from "../../host/sandbox/wasm/emit.ts";
import type { WasmModule } from "../../host/sandbox/wasm/module.ts";
import { dataStart } from "./layout.ts";

/** The one file that the engine is known to work with: quickjs-wasi 3.6.2. */
const knownSha256 = "d4c9375f2b1ca4dc95f72c8aa2982a7a9951ac8011490d79c6582df732b4bbd9";
const knownImports: readonly string[] = [
  "env.host_call",
  "env.host_get_timezone_offset",
  "env.host_interrupt",
  "env.host_module_load",
  "env.host_module_normalize",
  "env.host_promise_rejection",
  "wasi_snapshot_preview1.clock_time_get",
  "wasi_snapshot_preview1.fd_close",
  "wasi_snapshot_preview1.fd_fdstat_get",
  "wasi_snapshot_preview1.fd_seek",
  "wasi_snapshot_preview1.fd_write",
  "wasi_snapshot_preview1.random_get",
];
export const quickjsPages = 18;
export const quickjsTableElements = 532;

/** A fact about quickjs.wasm that the engine relies on and that does not hold. */
export class UnexpectedQuickjs extends Error {
  constructor(what: string, expected: unknown, found: unknown) {
    super(
      `quickjs.wasm: ${what} should be ${expected}, but is ${found}; review plugin-sdk/engine before changing this`,
    );
    this.name = "UnexpectedQuickjs";
  }
}

export function quickjsFile(): string {
  return fileURLToPath(import.meta.resolve("quickjs-wasi/quickjs.wasm"));
}

/** QuickJS as its package ships it, once every fact that the engine builds upon has been checked. @throws UnexpectedQuickjs */
export async function readQuickjs(): Promise<WasmModule> {
  const bytes = await readFile(quickjsFile());
  const module = decodeModule(bytes);
  const expectations: readonly (readonly [string, unknown, unknown])[] = [
    ["the list of imports", knownImports.join(), importNames(module).join()],
    ["the number of memories", 1, module.memories.length],
    ["the size of the memory in pages", quickjsPages, module.memories[0]?.min],
    ["the maximum of the memory", null, module.memories[0]?.max],
    ["the number of globals", 1, module.globals.length],
    ["the first global", "__stack_pointer", module.exports.find(({ kind }) => kind === "global")?.name],
    [
      "the initial stack pointer",
      hex(assemble([["i32.const", dataStart], ["end"]])),
      hex(module.globals[0]?.init),
    ],
    ["the number of tables", 1, module.tables.length],
    ["the size of the table", quickjsTableElements, module.tables[0]?.limits.min],
    ["the lowest address of data", dataStart, lowestData(module)],
    ["the start function", null, module.start],
    ["the sha256", knownSha256, createHash("sha256").update(bytes).digest("hex")],
  ];
  for (const [what, expected, found] of expectations) {
    if (expected !== found) throw new UnexpectedQuickjs(what, expected, found);
  }
  return module;
}

function importNames({ imports }: WasmModule): string[] {
  return imports.map(({ module, name }) => `${module}.${name}`).sort();
}

function hex(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString("hex");
}

/** Below lies nothing but the C stack. */
function lowestData({ data }: WasmModule): number {
  return Math.min(
    ...data.map(({ segment }) => (segment.mode === "active" ? constant(segment.offset) : Number.NaN)),
  );
}

/** The value of `i32.const n, end`. */
function constant(expression: Uint8Array): number {
  let value = 0;
  for (const [index, byte] of expression.subarray(1, -1).entries()) value += (byte & 0x7f) * 2 ** (7 * index);
  return value;
}
