import {
  contextAt,
  inCallAt,
  metadataAt,
  opObtain,
  readyAt,
  runtimeAt,
  scratchAt,
  stateAt,
  textBytes,
  textsAt,
  usedFunctionsAt,
  usedOperationsAt,
} from "../engine/layout.ts";
import { quickjsTableElements } from "../engine/quickjs-module.ts";
import { bundleName } from "../runtime/origin.ts";

/** What the engine may call while it runs here, on the author's machine. */
export type GuestHost = {
  /** A line that the plugin logs while it starts; levels from 0, trace, to 4, error. */
  readonly note: (level: number, text: string) => void;
  /** Milliseconds that all code may run. */
  readonly deadlineMs: number;
};

/** What JavaScript in the engine threw. */
export type Thrown = { readonly name: string; readonly message: string; readonly stack: string };

/** A fresh engine in this process. */
export type Guest = {
  /** Compiles a script to bytecode without its source; positions stay. */
  compile(code: string): { readonly bytecode: Uint8Array } | { readonly thrown: Thrown };
  /** Runs a bundle to its end, promises included; null when nothing was thrown. It finds `facts` beside the engine. */
  start(bytecode: Uint8Array, facts: Readonly<Record<string, string>>): Thrown | null;
  /** What the bundle said about itself; null when it did not come that far. */
  metadata(): string | null;
  /** Bit n is set when operation n, or function n of the user's namespace, was taken. */
  used(): { readonly operations: bigint; readonly functions: bigint };
  /** The memory as the finished module begins with it. The guest is over then. */
  finish(headroomBytes: number): Uint8Array;
};

/** In the order of the texts in `layout.ts`. */
const texts: readonly string[] = [
  "not available while compiling: only handlers can call the host",
  "the host has no memory left for this call",
  "there is no source of random numbers",
  "an earlier call of this instance never returned, so its state cannot be trusted",
  "the promise that the handler returned never settles: nothing is left that could settle it",
  "the plugin failed, and its error could not be described",
  "the output is nothing that JSON can hold",
  "sandgate",
  "a promise was rejected and nobody waits for it: ",
];

/**
 * What QuickJS lets calls use of its stack. With the frames that `pad-frames.ts` gives, the 128 KiB that the sandbox gives a
 * plugin on the host last for at least 7 % more than this.
 */
const stackBytes = 53_248;
/** The same while a plugin is compiled, where the host has its whole stack: source may be nested deep. */
const compilerStackBytes = 262_144;
/** Of memory while a plugin is compiled: more than any module may bring along. */
const compilerMemoryBytes = 268_435_456;
const unlimited = -1;
/** What is freed in a piece is rarely larger; less than the allocator's smallest piece is never free. */
const largestWiped = 262_144;
const smallestWiped = 16;
/** More than the allocator keeps for itself at the end of its memory. */
const heapEndBytes = 256;

const evalCompileOnly = 1 << 5;
const writeBytecode = 1 << 0;
const writeStripSource = 1 << 4;
const readBytecode = 1 << 0;
const genericMagic = 1;
const tag = { null: 2n, undefined: 3n, exception: 6n } as const;

type Exports = { readonly memory: WebAssembly.Memory } & Readonly<
  Record<string, (...args: unknown[]) => unknown>
>;

export async function createGuest(engine: WebAssembly.Module, host: GuestHost): Promise<Guest> {
  const until = performance.now() + host.deadlineMs;
  const imports = importsOf(engine, {
    "slot.note": (level: number, at: number, size: number) =>
      host.note(level, utf8.decode(bytes().subarray(at, at + size))),
    "slot.interrupt": () => (performance.now() > until ? 1 : 0),
    "wasi.clock_time_get": () => enosys,
    "wasi.random_get": () => enosys,
  });
  const { exports } = await WebAssembly.instantiate(engine, imports);
  const call = exports as unknown as Exports;
  const bytes = () => new Uint8Array(call.memory.buffer);
  const view = () => new DataView(call.memory.buffer);
  const number = (name: string, ...args: unknown[]) =>
    (call[name] as (...args: unknown[]) => number)(...args) >>> 0;
  const value = (name: string, ...args: unknown[]) =>
    BigInt.asUintN(64, (call[name] as (...args: unknown[]) => bigint)(...args));

  call["_initialize"]?.();
  if (number("qjs_init") !== 0) throw new Error("QuickJS does not start");
  const [context, runtime] = [number("qjs_get_context_ptr"), number("qjs_get_runtime_ptr")];
  view().setUint32(contextAt, context, true);
  view().setUint32(runtimeAt, runtime, true);
  call["JS_SetMaxStackSize"]?.(runtime, compilerStackBytes);
  call["JS_SetMemoryLimit"]?.(runtime, compilerMemoryBytes);
  call["qjs_set_interrupt_handler"]?.(1);
  for (const [index, text] of texts.entries()) writeText(textsAt + index * textBytes, text);

  function writeText(at: number, text: string): void {
    const content = Buffer.from(`${text}\0`);
    if (content.length > textBytes) throw new Error(`too long for a text of the engine: ${text}`);
    bytes().set(content, at);
  }

  /** Calls with the address of bytes that live as long as the call, a NUL behind them. */
  function withBytes<T>(content: Uint8Array, use: (at: number) => T): T {
    const at = number("malloc", content.length + 1);
    if (at === 0) throw new Error("the engine has no memory");
    bytes().set(content, at);
    bytes()[at + content.length] = 0;
    try {
      return use(at);
    } finally {
      // Freed memory keeps what it held, and a snapshot would carry it.
      bytes().fill(0, at, at + content.length);
      call["free"]?.(at);
    }
  }

  const withText = <T>(text: string, use: (at: number) => T) => withBytes(Buffer.from(text), use);
  const free = (one: bigint) => call["JS_FreeValue"]?.(context, one);
  const isException = (one: bigint) => one >> 32n === tag.exception;

  function textOf(one: bigint): string {
    const at = number("JS_ToCStringLen2", context, scratchAt, one, 0);
    if (at === 0) {
      free(value("JS_GetException", context));
      return "";
    }
    const text = utf8.decode(bytes().slice(at, at + view().getUint32(scratchAt, true)));
    call["JS_FreeCString"]?.(context, at);
    return text;
  }

  function member(object: bigint, name: string): string {
    const found = withText(name, (at) => value("JS_GetPropertyStr", context, object, at));
    if (isException(found) || found >> 32n === tag.undefined) return "";
    const text = textOf(found);
    free(found);
    return text;
  }

  function pendingException(): Thrown {
    const thrown = value("JS_GetException", context);
    const isError = number("JS_IsError", thrown) !== 0;
    const described = isError
      ? { name: member(thrown, "name"), message: member(thrown, "message"), stack: member(thrown, "stack") }
      : { name: "", message: textOf(thrown), stack: "" };
    free(thrown);
    return described;
  }

  /** What a bundle finds as `__sandgate`. */
  function offerEngine(facts: Readonly<Record<string, string>>): void {
    const name = textsAt + 7 * textBytes;
    const engineFunction = value(
      "JS_NewCFunction2",
      context,
      quickjsTableElements,
      name,
      1,
      genericMagic,
      opObtain,
    );
    for (const [fact, told] of Object.entries(facts)) {
      const content = Buffer.from(told);
      const text = withBytes(content, (at) => value("JS_NewStringLen", context, at, content.length));
      withText(fact, (at) => call["JS_SetPropertyStr"]?.(context, engineFunction, at, text));
    }
    withGlobal((global) => {
      withText(offered, (at) => call["JS_SetPropertyStr"]?.(context, global, at, engineFunction));
    });
  }

  function withdrawEngine(): void {
    withGlobal((global) => {
      const atom = withText(offered, (at) => number("JS_NewAtom", context, at));
      call["JS_DeleteProperty"]?.(context, global, atom, 0);
      call["JS_FreeAtom"]?.(context, atom);
    });
  }

  function withGlobal(use: (global: bigint) => void): void {
    const global = value("JS_GetGlobalObject", context);
    use(global);
    free(global);
  }

  /**
   * Zeroes what is free, so that the snapshot does not carry it, by allocating all of it: first the gaps below the top of
   * the heap, then the top, of which `headroomBytes` at least are there after it.
   */
  function wipeFreed(headroomBytes: number): void {
    const top = number("malloc", headroomBytes);
    call["free"]?.(top);
    const end = bytes().length - heapEndBytes;
    const held: number[] = [];
    const wipe = (at: number, size: number) => {
      bytes().fill(0, at, at + size);
      held.push(at);
    };
    for (let size = largestWiped; size >= smallestWiped; size /= 2) {
      let at = number("malloc", size);
      for (; at < top; at = number("malloc", size)) wipe(at, size);
      call["free"]?.(at);
    }
    let used = top;
    for (let size = largestWiped; size >= smallestWiped; size /= 2) {
      for (; used + size <= end; used = (held.at(-1) ?? end) + size) wipe(number("malloc", size), size);
    }
    for (const at of held) call["free"]?.(at);
  }

  function runJobs(): Thrown | null {
    for (;;) {
      const ran = number("JS_ExecutePendingJob", runtime, scratchAt) | 0;
      if (ran === 0) return null;
      if (ran < 0) return pendingException();
    }
  }

  /** A trap as what was thrown: a recursion that the engine does not count. Nothing can be asked of it after that. */
  function unlessTrapped<T>(run: () => T): T | Thrown {
    try {
      return run();
    } catch (thrown) {
      if (!(thrown instanceof RangeError || thrown instanceof WebAssembly.RuntimeError)) throw thrown;
      return { name: thrown.name, message: thrown.message, stack: "" };
    }
  }

  return {
    compile(code) {
      const source = Buffer.from(code);
      const compiled = withBytes(source, (at) =>
        withText(bundleName, (name) => value("JS_Eval", context, at, source.length, name, evalCompileOnly)),
      );
      if (isException(compiled)) return { thrown: pendingException() };
      const at = number("JS_WriteObject", context, scratchAt, compiled, writeBytecode | writeStripSource);
      if (at === 0) return { thrown: pendingException() };
      return { bytecode: bytes().slice(at, at + view().getUint32(scratchAt, true)) };
    },
    start(bytecode, facts) {
      offerEngine(facts);
      const read = withBytes(bytecode, (at) =>
        value("JS_ReadObject", context, at, bytecode.length, readBytecode),
      );
      return unlessTrapped(() => {
        const result = isException(read) ? read : value("JS_EvalFunction", context, read);
        const thrown = isException(result) ? pendingException() : runJobs();
        free(result);
        withdrawEngine();
        return thrown;
      });
    },
    metadata() {
      const metadata = view().getBigUint64(metadataAt, true);
      if (metadata === 0n) return null;
      const text = textOf(metadata);
      free(metadata);
      view().setBigUint64(metadataAt, tag.undefined << 32n, true);
      return text;
    },
    used() {
      return {
        operations: view().getBigUint64(usedOperationsAt, true),
        functions: view().getBigUint64(usedFunctionsAt, true),
      };
    },
    finish(headroomBytes) {
      call["JS_SetMaxStackSize"]?.(runtime, stackBytes);
      call["JS_SetMemoryLimit"]?.(runtime, unlimited);
      call["qjs_set_interrupt_handler"]?.(0);
      call["qjs_set_promise_rejection_handler"]?.(1);
      call["JS_RunGC"]?.(runtime);
      wipeFreed(headroomBytes);
      view().setUint32(readyAt, 1, true);
      view().setUint32(inCallAt, 0, true);
      const memory = bytes().slice();
      // The C stack holds what calls left behind.
      memory.fill(0, 0, stateAt);
      return memory;
    },
  };
}

const offered = "__sandgate";
const enosys = 52;
const utf8 = new TextDecoder();

/** Every import of the engine: those given, and for the others a function that must not be called. */
function importsOf(
  engine: WebAssembly.Module,
  given: Readonly<Record<string, (...args: never[]) => unknown>>,
): WebAssembly.Imports {
  const imports: Record<string, Record<string, WebAssembly.ExportValue>> = {};
  for (const { module, name } of WebAssembly.Module.imports(engine)) {
    const full = `${module}.${name}`;
    imports[module] ??= {};
    imports[module][name] = (given[full] ?? (() => notHere(full))) as WebAssembly.ExportValue;
  }
  return imports;
}

function notHere(name: string): never {
  throw new Error(`the engine called ${name} while it compiled a plugin`);
}
