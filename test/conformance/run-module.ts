import type { Injection } from "#host/sandbox/injection.ts";
import { createWritten } from "#host/sandbox/written.ts";

/** How an invocation ended: its results, a single one or none in an array as well, or what V8 says of the trap. */
export type Ending = { readonly returned: readonly unknown[] } | { readonly trapped: string };

/**
 * Answers the functions that a module imports. `note` records a call, `self` answers the exports of the
 * instance that imports them, in the order of the original.
 */
export type MakeImports = (
  note: (line: string) => void,
  self: () => WebAssembly.ExportValue[],
) => WebAssembly.Imports;

/** What can be seen of an instance from outside: its exported memories, globals and tables by name. */
export type State = {
  readonly memories: ReadonlyMap<string, Buffer>;
  readonly values: ReadonlyMap<string, unknown>;
};

/** An instance outside of the gateway. */
export type Running = {
  /** How instantiation ended, the start function included. */
  readonly started: Ending;
  call(name: string, args: readonly unknown[]): Ending;
  /** Whether this export is an import handed on, in which no metered code runs. */
  isImport(name: string): boolean;
  /** Null when it could not be instantiated. */
  state(): State | null;
  /** Calls of imports since the last time, in order. */
  takeLog(): string[];
  /** Units that the last invocation used; 0 for an original. */
  fuelUsed(): number;
  /** The first byte that the last call has changed without a mark; null when all have one, and for an original. */
  unmarked(): number | null;
};

/** No invocation here needs so much; the counter is an i32. */
const plenty = 2 ** 30;

/**
 * Runs a module as it is, or, given what preparing added, a prepared one: imports are supplied, the start
 * function is called, and exports have the names and functions the indices of the original.
 */
export function runModule(module: WebAssembly.Module, makeImports: MakeImports, inject?: Injection): Running {
  const log: string[] = [];
  const added = new Set(inject?.exports.flatMap(({ name, role }) => (role === "renamed" ? [] : [name])));
  const imported = importedFunctions(module) - (inject?.imports.length ?? 0);
  const visible = functionIndices(imported, inject?.imports.length ?? 0);
  const nameOf = (role: string) => inject?.exports.find((one) => one.role === role)?.name ?? "";
  let exports: WebAssembly.Instance["exports"] = {};
  let fuel: WebAssembly.Global | null = null;
  /** Before, the start function of an original finds no exports, and so must that of a prepared one. */
  let hasStarted = false;
  let used = 0;
  let lastFuel = plenty;
  let unmarked: number | null = null;

  function note(line: string): void {
    log.push(line);
    if (fuel === null) return;
    // A trap spends the slice whole, which is 0 also where it was overdrawn.
    if (fuel.value > Math.max(lastFuel, 0)) throw new Error(`fuel rose to ${fuel.value} before ${line}`);
    lastFuel = fuel.value;
  }

  const own = () => Object.entries(exports).filter(([name]) => !added.has(name));
  const imports = makeImports(note, () => (hasStarted ? own().map(([, value]) => value) : []));

  function metered(run: () => unknown): Ending {
    if (fuel !== null) fuel.value = lastFuel = plenty;
    const ending = endingOf(run, visible);
    if (fuel !== null) used = plenty - fuel.value;
    return ending;
  }

  const instantiated = endingOf(() => {
    exports = new WebAssembly.Instance(module, { ...imports, ...suppliesOf(inject) }).exports;
  }, visible);
  const failed = "trapped" in instantiated;
  if (!failed && inject !== undefined) fuel = exports[nameOf("fuel")] as WebAssembly.Global;
  const start = exports[nameOf("start")] as WebAssembly.ExportedFunction | undefined;
  const started = failed || start === undefined ? instantiated : metered(start);
  hasStarted = true;

  return {
    started: "trapped" in started ? started : { returned: [] },
    call(name, args) {
      const known = inject?.exports.find(({ original }) => original === name)?.name ?? name;
      const changes = watchChanges(exports[nameOf("memory")], exports[nameOf("written")]);
      const ending = metered(() => (exports[known] as WebAssembly.ExportedFunction)(...args));
      unmarked = changes();
      return ending;
    },
    isImport: (name) => Number((exports[name] as WebAssembly.ExportedFunction).name) < imported,
    state() {
      return failed ? null : stateOf(own(), visible);
    },
    takeLog: () => log.splice(0),
    fuelUsed: () => used,
    unmarked: () => unmarked,
  };
}

/** @returns when asked, the first byte that has changed since and is in none of the marked pieces. */
function watchChanges(
  memory: WebAssembly.ExportValue | undefined,
  marks: WebAssembly.ExportValue | undefined,
): () => number | null {
  if (!(memory instanceof WebAssembly.Memory) || !(marks instanceof WebAssembly.Memory)) return () => null;
  const written = createWritten(marks, () => memory.buffer.byteLength);
  written.clear();
  const before = Buffer.from(Buffer.from(memory.buffer));
  return () => {
    const after = Buffer.from(memory.buffer);
    // What a growth has added was zero.
    const grown = Buffer.concat([before, Buffer.alloc(after.length - before.length)]);
    for (const { from, to } of written.spans()) grown.set(after.subarray(from, to), from);
    return grown.equals(after) ? null : grown.findIndex((byte, at) => byte !== after[at]);
  };
}

/** What an added import needs to be there: nothing is ever refused. */
function suppliesOf(inject: Injection | undefined): WebAssembly.Imports {
  const supplies: Record<string, Record<string, unknown>> = {};
  for (const { module, name } of inject?.imports ?? []) {
    supplies[module] ??= {};
    supplies[module][name] = () => 0;
  }
  return supplies;
}

/** What of a value can be compared between two instances. */
type Visible = (value: unknown) => unknown;

/**
 * A function is named by its index, which preparing moves by one for each import it adds; those that were
 * imported stay where they are. Everything else is compared as it is.
 */
function functionIndices(imported: number, added: number): Visible {
  return (value) => {
    if (typeof value !== "function") return value;
    const index = Number(value.name);
    return `function ${index < imported ? index : index - added}`;
  };
}

function importedFunctions(module: WebAssembly.Module): number {
  return WebAssembly.Module.imports(module).filter(({ kind }) => kind === "function").length;
}

function endingOf(run: () => unknown, visible: Visible): Ending {
  try {
    const value = run();
    const values = value === undefined ? [] : Array.isArray(value) ? value : [value];
    return { returned: values.map(visible) };
  } catch (thrown) {
    if (!(thrown instanceof Error)) throw thrown;
    return { trapped: `${thrown.name}: ${thrown.message}` };
  }
}

function stateOf(entries: readonly (readonly [string, WebAssembly.ExportValue])[], visible: Visible): State {
  const memories = new Map<string, Buffer>();
  const values = new Map<string, unknown>();
  for (const [name, value] of entries) {
    if (value instanceof WebAssembly.Memory) memories.set(name, Buffer.from(value.buffer));
    if (value instanceof WebAssembly.Global) values.set(name, visible(readGlobal(value)));
    if (value instanceof WebAssembly.Table) {
      const places = Array.from({ length: value.length }, (_, index) => index);
      values.set(
        name,
        places.map((index) => visible(value.get(index))),
      );
    }
  }
  return { memories, values };
}

/** JavaScript cannot read a vector. */
function readGlobal(global: WebAssembly.Global): unknown {
  try {
    return global.value;
  } catch (thrown) {
    if (thrown instanceof TypeError) return "v128";
    throw thrown;
  }
}
