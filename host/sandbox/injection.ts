import { preparedExportName, reservedPrefix } from "./meter.ts";
import type { Export, Import, WasmModule } from "./wasm/module.ts";

/** What an added member is for. `docs/plugins.md` says what a runner does with each. */
export type InjectedRole =
  /** Import () -> i32: asked when the fuel is below zero; 0 goes on, anything else makes the module trap. */
  | "slice"
  /** Mutable i32 that counts down. An instance starts with 0. */
  | "fuel"
  /** Mutable i32 that is 1 after a refused memory.grow. */
  | "refused"
  /** A mutable global of the original, in the order of its index. */
  | "mutable-global"
  /** The memory of the original. */
  | "memory"
  /** A memory with a byte for each 1,024 of the original's: not 0 where those or the next 1,024 were written since it was cleared. */
  | "written"
  /** The start function of the original, of type () -> (), which instantiation does not run any more. */
  | "start"
  /** An export of the original under another name; `original` is the one it had. */
  | "renamed";

/** `kind` is as in the descriptors of the JavaScript API. */
export type InjectedMember = {
  readonly name: string;
  readonly kind: "function" | "table" | "memory" | "global";
  readonly role: InjectedRole;
};

/** The imports and exports that a prepared module has and its original has not. */
export type Injection = {
  readonly imports: readonly (InjectedMember & { readonly module: string })[];
  readonly exports: readonly (InjectedMember & { readonly original?: string })[];
};

/** Compares a module with what `meterModule` made of it. */
export function injectionOf(original: WasmModule, metered: WasmModule): Injection {
  return {
    imports: metered.imports.slice(original.imports.length).map(addedImport),
    exports: [
      ...original.exports.filter(({ name }) => preparedExportName(name) !== name).map(renamedExport),
      ...metered.exports.slice(original.exports.length).map(addedExport),
    ],
  };
}

const roles: Readonly<Record<string, InjectedRole>> = {
  slice: "slice",
  fuel: "fuel",
  refused: "refused",
  global: "mutable-global",
  memory: "memory",
  written: "written",
  start: "start",
};

/** By the first word of the name behind the prefix, if it has one. */
function roleOf(name: string): InjectedRole {
  const word = name.replace(reservedPrefix, "").replace(/:.*/s, "");
  const role = roles[word];
  if (role === undefined) throw new Error(`${name} has no role: host/sandbox/injection.ts must name it`);
  return role;
}

function addedImport({ module, name, desc }: Import): Injection["imports"][number] {
  return { module, name, kind: kindOf(desc.kind), role: roleOf(name) };
}

function addedExport({ name, kind }: Export): InjectedMember {
  return { name, kind: kindOf(kind), role: roleOf(name) };
}

function renamedExport({ name, kind }: Export): Injection["exports"][number] {
  return { name: preparedExportName(name), kind: kindOf(kind), role: "renamed", original: name };
}

function kindOf(kind: Export["kind"]): InjectedMember["kind"] {
  return kind === "func" ? "function" : kind;
}
