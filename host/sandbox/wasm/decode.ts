import { codeReader, decodeData, elementReader } from "./decode-segments.ts";
import { readConstExpr } from "./instructions.ts";
import { MalformedWasm, unsupported } from "./malformed.ts";
import type {
  Export,
  ExportKind,
  FuncType,
  Global,
  GlobalType,
  Import,
  Limits,
  TableType,
  WasmModule,
} from "./module.ts";
import { type Reader, readByte, readBytes, readerOf, readName, readU32, readVector } from "./reader.ts";
import { sectionIds } from "./section-ids.ts";
import { readRefType, readValType } from "./value-types.ts";

type Draft = { -readonly [K in keyof WasmModule]: WasmModule[K] };

/** What a module may hold many of, as `onCount` names it. */
export type Counted =
  | "types"
  | "typeValues"
  | "imports"
  | "functions"
  | "tables"
  | "memories"
  | "globals"
  | "exports"
  | "localRuns"
  | "elements"
  | "elementItems"
  | "data"
  | "customs";

/**
 * Hears each count before the first member is read and throws to stop there. `typeValues`, `localRuns` and
 * `elementItems`, the members of members, are the sum so far.
 */
export type OnCount = (what: Counted, count: number) => void;

/**
 * The module that `bytes` hold. Time and memory are linear in their length, and the result's byte arrays
 * are views of them. Function bodies are delimited, not scanned (`instructions.ts`), and nothing is
 * type-checked: that is V8's part. Throws MalformedWasm, also for what lies outside the allow-list.
 * Source: WebAssembly core specification 3.0, chapter "Binary Format".
 */
export function decodeModule(bytes: Uint8Array, onCount: OnCount = () => {}): WasmModule {
  // A Buffer's views would be Buffers: other prototype, slower.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  const reader = readerOf(plain);
  readPreamble(reader);
  const draft = emptyDraft();
  const customs: { name: string; bytes: Uint8Array }[] = [];
  draft.customs = customs;
  let last = 0;
  while (reader.at < reader.end) {
    const start = reader.at;
    const id = readByte(reader);
    const length = readU32(reader);
    if (length > reader.end - reader.at) throw new MalformedWasm(start, "a section longer than the file");
    const section = readerOf(plain, reader.at, reader.at + length);
    reader.at = section.end;
    if (id === sectionIds.custom) {
      onCount("customs", customs.length + 1);
      customs.push({ name: readName(section), bytes: readBytes(section, section.end - section.at) });
      continue;
    }
    last = inOrder(start, id, last);
    decodeSection(draft, id, section, onCount);
    if (section.at !== section.end) throw new MalformedWasm(section.at, "a section longer than its content");
  }
  agree(draft, reader.end);
  return draft;
}

function readPreamble(reader: Reader): void {
  const preamble = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
  for (const [at, byte] of preamble.entries()) {
    if (reader.bytes[at] === byte) continue;
    if (at >= 4 && reader.bytes[6] === 0x01) throw unsupported(at, "WebAssembly components are");
    throw new MalformedWasm(at, at < 4 ? "not a WebAssembly module" : "unknown WebAssembly version");
  }
  reader.at = preamble.length;
}

function emptyDraft(): Draft {
  return {
    types: [],
    imports: [],
    functions: [],
    tables: [],
    memories: [],
    globals: [],
    exports: [],
    start: null,
    elements: [],
    dataCount: null,
    code: [],
    data: [],
    customs: [],
  };
}

/** Sections come in this order, each once; data count stands before code, unlike its id. */
const order: readonly number[] = [
  sectionIds.type,
  sectionIds.import,
  sectionIds.function,
  sectionIds.table,
  sectionIds.memory,
  sectionIds.global,
  sectionIds.export,
  sectionIds.start,
  sectionIds.element,
  sectionIds.dataCount,
  sectionIds.code,
  sectionIds.data,
];

function inOrder(offset: number, id: number, last: number): number {
  if (id === sectionIds.tag) throw unsupported(offset, "exceptions (tag section) are");
  const place = order.indexOf(id) + 1;
  if (place === 0) throw new MalformedWasm(offset, `unknown section ${id}`);
  if (place <= last) throw new MalformedWasm(offset, `section ${id} twice or out of order`);
  return place;
}

function decodeSection(draft: Draft, id: number, section: Reader, onCount: OnCount): void {
  const hear = (what: Counted) => (count: number) => onCount(what, count);
  const sum = (what: Counted) => {
    let total = 0;
    return (count: number) => {
      total += count;
      onCount(what, total);
    };
  };
  switch (id) {
    case sectionIds.type:
      draft.types = readVector(section, 2, funcTypeReader(sum("typeValues")), hear("types"));
      break;
    case sectionIds.import:
      draft.imports = readVector(section, 4, readImport, hear("imports"));
      break;
    case sectionIds.function:
      draft.functions = readVector(section, 1, readU32, hear("functions"));
      break;
    case sectionIds.table:
      draft.tables = readVector(section, 3, readTable, hear("tables"));
      break;
    case sectionIds.memory:
      draft.memories = readVector(section, 2, readMemory, hear("memories"));
      break;
    case sectionIds.global:
      draft.globals = readVector(section, 4, readGlobal, hear("globals"));
      break;
    case sectionIds.export:
      draft.exports = readVector(section, 3, readExport, hear("exports"));
      break;
    case sectionIds.start:
      draft.start = readU32(section);
      break;
    case sectionIds.element:
      draft.elements = readVector(section, 2, elementReader(sum("elementItems")), hear("elements"));
      break;
    case sectionIds.dataCount:
      draft.dataCount = readU32(section);
      break;
    case sectionIds.code:
      draft.code = readVector(section, 3, codeReader(sum("localRuns")), hear("functions"));
      break;
    case sectionIds.data:
      draft.data = readVector(section, 2, decodeData, hear("data"));
      break;
  }
}

/** Sections that speak of each other must say the same. */
function agree(draft: Draft, end: number): void {
  if (draft.functions.length !== draft.code.length) {
    throw new MalformedWasm(
      end,
      `${draft.functions.length} functions declared, ${draft.code.length} have code`,
    );
  }
  if (draft.dataCount !== null && draft.dataCount !== draft.data.length) {
    throw new MalformedWasm(end, `${draft.dataCount} data segments declared, ${draft.data.length} present`);
  }
}

function funcTypeReader(hear: (values: number) => void): (reader: Reader) => FuncType {
  return (reader) => {
    const start = reader.at;
    const form = readByte(reader);
    if (form === 0x4e || form === 0x4f || form === 0x50 || form === 0x5e || form === 0x5f) {
      throw unsupported(start, `garbage-collected types (0x${form.toString(16)}) are`);
    }
    if (form !== 0x60) throw new MalformedWasm(start, `unknown type form 0x${form.toString(16)}`);
    const params = readVector(reader, 1, readValType, hear);
    return { params, results: readVector(reader, 1, readValType, hear) };
  };
}

function readImport(reader: Reader): Import {
  const module = readName(reader);
  const name = readName(reader);
  const start = reader.at;
  const kind = readByte(reader);
  switch (kind) {
    case 0:
      return { module, name, desc: { kind: "func", type: readU32(reader) } };
    case 1:
      return { module, name, desc: { kind: "table", table: readTable(reader) } };
    case 2:
      return { module, name, desc: { kind: "memory", limits: readMemory(reader) } };
    case 3:
      return { module, name, desc: { kind: "global", global: readGlobalType(reader) } };
    case 4:
      throw unsupported(start, "exceptions (an imported tag) are");
    default:
      throw new MalformedWasm(start, `unknown import kind ${kind}`);
  }
}

function readTable(reader: Reader): TableType {
  const start = reader.at;
  if (reader.bytes[start] === 0x40) throw unsupported(start, "tables with an initial value are");
  return { element: readRefType(reader), limits: readLimits(reader, "table") };
}

function readMemory(reader: Reader): Limits {
  return readLimits(reader, "memory");
}

function readLimits(reader: Reader, of: "memory" | "table"): Limits {
  const start = reader.at;
  const flags = readByte(reader);
  if (flags > 0x0f) throw new MalformedWasm(start, `unknown limits 0x${flags.toString(16)}`);
  if (flags & 0x08) throw unsupported(start, "custom page sizes are");
  if (flags & 0x04) throw unsupported(start, `64-bit addresses (a ${of}) are`);
  if (flags & 0x02) throw unsupported(start, `a shared ${of} is`);
  return { min: readU32(reader), max: flags & 0x01 ? readU32(reader) : null };
}

function readGlobalType(reader: Reader): GlobalType {
  const type = readValType(reader);
  const start = reader.at;
  const mutability = readByte(reader);
  if (mutability > 1) {
    if (mutability === 2 || mutability === 3) throw unsupported(start, "a shared global is");
    throw new MalformedWasm(start, `unknown mutability ${mutability}`);
  }
  return { type, mutable: mutability === 1 };
}

function readGlobal(reader: Reader): Global {
  return { type: readGlobalType(reader), init: readConstExpr(reader) };
}

const exportKinds: readonly ExportKind[] = ["func", "table", "memory", "global"];

function readExport(reader: Reader): Export {
  const name = readName(reader);
  const start = reader.at;
  const byte = readByte(reader);
  if (byte === 4) throw unsupported(start, "exceptions (an exported tag) are");
  const kind = exportKinds[byte];
  if (kind === undefined) throw new MalformedWasm(start, `unknown export kind ${byte}`);
  return { name, kind, index: readU32(reader) };
}
