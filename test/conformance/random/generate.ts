import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const command = createRequire(import.meta.url).resolve("binaryen/bin/wasm-opt");

/** Enough for about ten functions; the time goes into starting the command, not into their number. */
const inputBytes = 4_000;

/** Each seed leaves one of these out, or none. */
const features = [
  "reference-types",
  "simd",
  "tail-call",
  "multivalue",
  "bulk-memory",
  "sign-ext",
  "nontrapping-float-to-int",
];
const always = [
  "--enable-mutable-globals",
  "--disable-gc",
  "--disable-exception-handling",
  "--disable-threads",
];

export type Generator = {
  /** The same seed gives the same module. */
  generate(seed: number): Promise<Uint8Array>;
  close(): void;
};

/**
 * Random valid modules from `wasm-opt --translate-to-fuzz`, which no library offers. The command is a script with
 * a wasm module in it; it is run in this process, once per module, and compiled only the first time.
 */
export function createGenerator(): Generator {
  const folder = mkdtempSync(join(tmpdir(), "sandgate-random-"));
  const run = commandAsFunction();
  return {
    async generate(seed) {
      // New files each time: some file systems flush one that is cut and written again.
      const [input, output] = [join(folder, `${seed}`), join(folder, `${seed}.wasm`)];
      writeFileSync(input, randomBytes(seed));
      await run([input, "--translate-to-fuzz", "--quiet", ...flagsOf(seed), "-o", output]);
      const bytes = new Uint8Array(readFileSync(output));
      for (const file of [input, output]) rmSync(file);
      return bytes;
    },
    close: () => rmSync(folder, { recursive: true }),
  };
}

function flagsOf(seed: number): string[] {
  const without = features[seed % 8];
  // Bulk memory brings instructions of its own feature, which goes with it.
  const bulk = without === "bulk-memory" ? "--disable-bulk-memory-opt" : "--enable-bulk-memory-opt";
  return [...always, bulk, ...features.map((one) => `--${one === without ? "disable" : "enable"}-${one}`)];
}

/** xorshift32 over a scrambled seed: neighbouring seeds must have nothing in common. */
function randomBytes(seed: number): Uint8Array {
  let state = Math.imul(seed + 1, 0x9e37_79b9) | 1;
  return Uint8Array.from({ length: inputBytes }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 24;
  });
}

type Instantiated = { readonly module: WebAssembly.Module; readonly instance: WebAssembly.Instance };

function commandAsFunction(): (args: readonly string[]) => Promise<void> {
  const source = readFileSync(command, "utf8").replace(/^#!.*/, "");
  const parameters = ["Module", "WebAssembly", "process", "require", "__filename", "__dirname"];
  const script = new Function(...parameters, source);
  let compiled: WebAssembly.Module | null = null;

  async function instantiate(bytes: Uint8Array, imports: WebAssembly.Imports): Promise<Instantiated> {
    compiled ??= await WebAssembly.compile(bytes);
    return { module: compiled, instance: await WebAssembly.instantiate(compiled, imports) };
  }

  return (args) =>
    new Promise((resolve, reject) => {
      const lines: string[] = [];
      const finish = (code: number) =>
        code === 0 ? resolve() : reject(new Error(`wasm-opt ${args.join(" ")}: ${code} ${lines.join("\n")}`));
      const options = {
        arguments: args,
        print: (line: string) => lines.push(line),
        printErr: (line: string) => lines.push(line),
        postRun: () => finish(0),
        ...(compiled === null ? {} : { instantiateWasm: useCompiled(compiled) }),
      };
      const wasm = Object.create(WebAssembly, { instantiate: { value: instantiate } }) as object;
      const own = Object.create(process, {
        argv: { value: ["node", command] },
        exit: { value: finish },
      }) as object;
      script(options, wasm, own, createRequire(command), command, "");
    });
}

/** Without this, the script decodes its six megabytes each time. */
function useCompiled(module: WebAssembly.Module) {
  return (imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void): void =>
    void WebAssembly.instantiate(module, imports).then(done);
}
