import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodeModule } from "../../host/sandbox/wasm/decode.ts";
import type { WasmModule } from "../../host/sandbox/wasm/module.ts";

const folder = fileURLToPath(new URL(".", import.meta.url));

/** No statics, no allocation: pure functions over the memory of QuickJS. */
const flags = ["-O3", "--runtime", "stub", "--noAssert", "--importMemory", "--use", "abort="];

/** The shim, compiled from `shim/`. @throws Error with the compiler's own messages */
export async function buildShim(): Promise<WasmModule> {
  const { default: asc } = await import("assemblyscript/asc");
  let bytes: Uint8Array | null = null;
  const { error, stderr } = await asc.main(["shim/index.ts", ...flags, "--outFile", "shim.wasm"], {
    readFile: (name) => readFile(join(folder, name), "utf8").catch(() => null),
    writeFile: (_name, content) => {
      bytes = typeof content === "string" ? Buffer.from(content) : content;
    },
    listFiles: () => [],
  });
  if (error !== null || bytes === null) throw new Error(`the shim does not compile:\n${stderr.toString()}`);
  const module = decodeModule(bytes);
  if (module.data.length + module.elements.length + module.globals.length > 0) {
    throw new Error("the shim has statics; write it without");
  }
  return module;
}
