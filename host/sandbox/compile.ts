import { setFlagsFromString } from "node:v8";

const longestTimerMs = 2 ** 31 - 1;
let running = 0;

/**
 * Compiles every function of a module now, in V8's background threads. By itself V8 compiles a function at
 * its first call: in the middle of a request, on the thread, unpaid (20,000 small ones take 200 ms).
 * @throws WebAssembly.CompileError
 */
export async function compileWhole(bytes: Uint8Array): Promise<WebAssembly.Module> {
  // V8 reads the flag somewhere during the compilation, so it stays while any of ours runs, and no longer:
  // other code in the process may rely on the default.
  if (running++ === 0) setFlagsFromString("--no-wasm-lazy-compilation");
  // Unlike a lazy one, such a compilation does not keep the process alive.
  const hold = setInterval(() => {}, longestTimerMs);
  try {
    return await WebAssembly.compile(bytes);
  } finally {
    clearInterval(hold);
    if (--running === 0) setFlagsFromString("--wasm-lazy-compilation");
  }
}
