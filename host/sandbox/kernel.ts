import { floor } from "./kernel-code.ts";
import { kernelFunctions, kernelModule } from "./kernel-module.ts";
import { zero } from "./snapshot.ts";

/** The Extism memory of one plugin instance, as the host uses it. Offsets are plain integers here. */
export type Kernel = {
  /** What a plugin may import from `extism:host/env` of it: wasm functions, linked without JavaScript between. */
  readonly env: Readonly<Record<string, WebAssembly.ExportedFunction>>;
  /** Empties the memory and puts the input of the next call in. False when it does not fit. */
  begin(input: Uint8Array | string): boolean;
  /** A new block with these bytes; 0 when there is no room, or no bytes. */
  put(bytes: Uint8Array | string): number;
  /** Length of the block at `offset`, for any offset that a plugin may name; 0 when it is no block. */
  lengthOf(offset: bigint): number;
  /** Copy of the first `limit` bytes of the block at `offset`; empty when it is no block. */
  read(offset: bigint, limit: number): Uint8Array;
  /** Length of what the last `output_set` named. */
  outputLength(): number;
  /** Copy of what the last `output_set` named. */
  output(): Uint8Array;
  /** Copy of the first `limit` bytes of what the last `error_set` named; null when no error is set. */
  error(limit: number): Uint8Array | null;
  /** Zeroes what the call used, so that the next one cannot read it. */
  reset(): void;
  /** Bytes in use since the last reset: what a reset has to zero. */
  used(): number;
  /** Of the memory, 64 KiB each. */
  pages(): number;
};

type Exports = {
  readonly memory: WebAssembly.Memory;
  readonly take: (length: number) => number;
  readonly begin: (length: number) => number;
  readonly forget: () => void;
  readonly length_of: (offset: number) => number;
  readonly output_at: () => number;
  readonly output_size: () => number;
  readonly error_at: () => number;
  readonly used: () => number;
  readonly reset: () => void;
};

const utf8 = new TextEncoder();
/** What is used beyond may have been allocated and never touched: to zero 32 MiB of that takes 38 ms. */
const filledBytes = 1024 * 1024;
const addressable = 2n ** 31n;

/** A kernel instance with its own memory: 1 page (64 KiB), growing to `callLimits.kernelPages`. */
export function createKernel(): Kernel {
  const { exports } = new WebAssembly.Instance(kernelModule());
  const wasm = exports as unknown as Exports;
  const env = Object.fromEntries(
    kernelFunctions.map((name) => [name, exports[name] as WebAssembly.ExportedFunction]),
  );
  let bytes = new Uint8Array(wasm.memory.buffer);

  /** The memory as it is now: a growth detaches the buffer that views were made of. */
  function memory(): Uint8Array {
    const { buffer } = wasm.memory;
    if (bytes.buffer !== buffer) bytes = new Uint8Array(buffer);
    return bytes;
  }

  function fill(at: number, content: Uint8Array | string): void {
    if (typeof content === "string") utf8.encodeInto(content, memory().subarray(at));
    else memory().set(content, at);
  }

  function lengthOf(offset: bigint): number {
    return offset > 0n && offset < addressable ? wasm.length_of(Number(offset)) : 0;
  }

  function reset(): void {
    const used = wasm.used();
    if (used <= filledBytes) {
      wasm.reset();
      return;
    }
    zero(Buffer.from(wasm.memory.buffer), floor, used);
    wasm.forget();
  }

  return {
    env,
    begin(input) {
      reset();
      const length = byteLength(input);
      const at = wasm.begin(length);
      if (at !== 0) fill(at, input);
      return at !== 0 || length === 0;
    },
    put(content) {
      const at = wasm.take(byteLength(content));
      if (at !== 0) fill(at, content);
      return at;
    },
    lengthOf,
    read(offset, limit) {
      const length = Math.min(lengthOf(offset), limit);
      return memory().slice(Number(offset), Number(offset) + length);
    },
    outputLength: () => wasm.output_size(),
    output() {
      const [at, size] = [wasm.output_at(), wasm.output_size()];
      // Of Node's pool, or not zeroed before it is filled: what `slice` makes costs ten times as much.
      const copy = Buffer.allocUnsafe(size);
      copy.set(memory().subarray(at, at + size));
      return copy;
    },
    error(limit) {
      const at = wasm.error_at();
      const length = Math.min(wasm.length_of(at), limit);
      return length === 0 ? null : memory().slice(at, at + length);
    },
    reset,
    used: () => wasm.used(),
    pages: () => wasm.memory.buffer.byteLength / 65_536,
  };
}

function byteLength(content: Uint8Array | string): number {
  return typeof content === "string" ? Buffer.byteLength(content) : content.length;
}
