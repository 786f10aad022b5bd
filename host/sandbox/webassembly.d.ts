/**
 * The part of the WebAssembly JavaScript API that the sandbox uses, with the JavaScript promise
 * integration (`Suspending`, `promising`). TypeScript has it in the browser's library only.
 */
declare namespace WebAssembly {
  type ValueType = "i32" | "i64" | "f32" | "f64" | "v128" | "externref" | "anyfunc";
  type ExportKind = "function" | "table" | "memory" | "global" | "tag";
  type ModuleExportDescriptor = { name: string; kind: ExportKind };
  type ModuleImportDescriptor = { module: string; name: string; kind: ExportKind };

  class Module {
    constructor(bytes: Uint8Array | ArrayBuffer);
    static exports(module: Module): ModuleExportDescriptor[];
    static imports(module: Module): ModuleImportDescriptor[];
    static customSections(module: Module, name: string): ArrayBuffer[];
  }

  type ExportedFunction = (...args: unknown[]) => unknown;
  type ExportValue = ExportedFunction | Global | Memory | Table;
  type Imports = Record<string, Record<string, unknown>>;

  class Instance {
    constructor(module: Module, imports?: Imports);
    readonly exports: Readonly<Record<string, ExportValue>>;
  }

  class Memory {
    constructor(descriptor: { initial: number; maximum?: number });
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }

  class Table {
    constructor(descriptor: { element: "anyfunc" | "externref"; initial: number; maximum?: number });
    readonly length: number;
    get(index: number): unknown;
    set(index: number, value?: unknown): void;
    grow(entries: number, value?: unknown): number;
  }

  class Global {
    constructor(descriptor: { value: ValueType; mutable?: boolean }, value?: unknown);
    // biome-ignore lint/suspicious/noExplicitAny: number or bigint, as the global's type says
    value: any;
  }

  /** An import whose promise suspends the calling wasm stack until it settles. */
  class Suspending {
    // biome-ignore lint/suspicious/noExplicitAny: wasm passes what the import's type says
    constructor(run: (...args: any[]) => unknown);
  }

  /** The export as a function that may suspend: it answers a promise of the export's result. */
  function promising(run: ExportedFunction): (...args: unknown[]) => Promise<unknown>;

  class CompileError extends Error {}
  class LinkError extends Error {}
  class RuntimeError extends Error {}

  function validate(bytes: Uint8Array | ArrayBuffer): boolean;
  function compile(bytes: Uint8Array | ArrayBuffer): Promise<Module>;
  function instantiate(module: Module, imports?: Imports): Promise<Instance>;
}
