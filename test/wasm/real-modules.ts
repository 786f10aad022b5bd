import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

export type RealModule = { readonly name: string; readonly bytes: Uint8Array };

const root = new URL("../../node_modules/", import.meta.url);

/** Modules that compilers made, as packages carry them: as a file, as base64 in a script, or inside a loader. */
export async function realModules(): Promise<RealModule[]> {
  const embedded = [
    "undici/lib/llhttp/llhttp-wasm.js",
    "undici/lib/llhttp/llhttp_simd-wasm.js",
    "undici/lib/milo/no-simd.js",
    "undici/lib/milo/simd.js",
  ];
  return [
    { name: "quickjs", bytes: await readFile(new URL("quickjs-wasi/quickjs.wasm", root)) },
    ...(await Promise.all(embedded.map(fromBase64))),
    { name: "wabt", bytes: await loadedBy(() => createRequire(import.meta.url)("wabt")()) },
    { name: "binaryen", bytes: await loadedBy(() => import(new URL("binaryen/index.js", root).href)) },
  ];
}

async function fromBase64(path: string): Promise<RealModule> {
  const script = await readFile(new URL(path, root), "utf8");
  const [text] = /AGFzbQEAAA[A-Za-z0-9+/=]+/.exec(script) ?? [""];
  return { name: path, bytes: Buffer.from(text, "base64") };
}

/** The bytes that a loader gives to V8; it may keep them in any encoding. */
async function loadedBy(load: () => Promise<unknown>): Promise<Uint8Array> {
  const { instantiate } = WebAssembly;
  const found = Promise.withResolvers<Uint8Array>();
  Object.assign(WebAssembly, {
    instantiate(source: Uint8Array, imports: WebAssembly.Imports) {
      if (source instanceof Uint8Array) found.resolve(source);
      return Reflect.apply(instantiate, WebAssembly, [source, imports]);
    },
  });
  try {
    await load();
    return await found.promise;
  } finally {
    Object.assign(WebAssembly, { instantiate });
  }
}
