import type {
  CustomSection,
  DataSegment,
  ElementSegment,
  Export,
  FuncType,
  FunctionBody,
  Global,
  GlobalType,
  Import,
  Limits,
  TableType,
  WasmModule,
} from "./module.ts";
import { sectionIds } from "./section-ids.ts";
import { funcref } from "./value-types.ts";
import {
  createWriter,
  type Writer,
  writeByte,
  writeBytes,
  writeName,
  writeU32,
  writeVector,
  written,
} from "./writer.ts";

/**
 * The binary form of a module, with the shortest encodings: decoding it again gives an equal module.
 * Custom sections come last, in their order; those about code stand before it. Nothing is checked; what does not fit together gives
 * bytes that V8 refuses.
 */
export function encodeModule(module: WasmModule): Uint8Array {
  const out = createWriter(1 << 16);
  writeBytes(out, Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00));
  vectorSection(out, sectionIds.type, module.types, writeFuncType);
  vectorSection(out, sectionIds.import, module.imports, writeImport);
  vectorSection(out, sectionIds.function, module.functions, writeU32);
  vectorSection(out, sectionIds.table, module.tables, writeTable);
  vectorSection(out, sectionIds.memory, module.memories, writeLimits);
  vectorSection(out, sectionIds.global, module.globals, writeGlobal);
  vectorSection(out, sectionIds.export, module.exports, writeExport);
  if (module.start !== null) numberSection(out, sectionIds.start, module.start);
  vectorSection(out, sectionIds.element, module.elements, writeElement);
  if (module.dataCount !== null) numberSection(out, sectionIds.dataCount, module.dataCount);
  const aboutCode = (custom: CustomSection) => custom.name.startsWith("metadata.code.");
  for (const custom of module.customs.filter(aboutCode)) customSection(out, custom);
  vectorSection(out, sectionIds.code, module.code, writeCode);
  vectorSection(out, sectionIds.data, module.data, writeData);
  for (const custom of module.customs) if (!aboutCode(custom)) customSection(out, custom);
  return written(out);
}

function customSection(out: Writer, { name, bytes }: CustomSection): void {
  section(out, sectionIds.custom, (content) => {
    writeName(content, name);
    writeBytes(content, bytes);
  });
}

function section(out: Writer, id: number, write: (content: Writer) => void): void {
  const content = createWriter(1 << 12);
  write(content);
  writeByte(out, id);
  writeU32(out, content.length);
  writeBytes(out, written(content));
}

function vectorSection<T>(
  out: Writer,
  id: number,
  values: readonly T[],
  write: (writer: Writer, value: T) => void,
): void {
  if (values.length > 0) section(out, id, (content) => writeVector(content, values, write));
}

function numberSection(out: Writer, id: number, value: number): void {
  section(out, id, (content) => writeU32(content, value));
}

function writeFuncType(out: Writer, type: FuncType): void {
  writeByte(out, 0x60);
  writeVector(out, type.params, writeByte);
  writeVector(out, type.results, writeByte);
}

function writeImport(out: Writer, { module, name, desc }: Import): void {
  writeName(out, module);
  writeName(out, name);
  switch (desc.kind) {
    case "func":
      writeByte(out, 0);
      writeU32(out, desc.type);
      break;
    case "table":
      writeByte(out, 1);
      writeTable(out, desc.table);
      break;
    case "memory":
      writeByte(out, 2);
      writeLimits(out, desc.limits);
      break;
    case "global":
      writeByte(out, 3);
      writeGlobalType(out, desc.global);
      break;
    default:
      desc satisfies never;
  }
}

function writeTable(out: Writer, table: TableType): void {
  writeByte(out, table.element);
  writeLimits(out, table.limits);
}

function writeLimits(out: Writer, { min, max }: Limits): void {
  writeByte(out, max === null ? 0 : 1);
  writeU32(out, min);
  if (max !== null) writeU32(out, max);
}

function writeGlobalType(out: Writer, { type, mutable }: GlobalType): void {
  writeByte(out, type);
  writeByte(out, mutable ? 1 : 0);
}

function writeGlobal(out: Writer, { type, init }: Global): void {
  writeGlobalType(out, type);
  writeBytes(out, init);
}

const exportKindBytes = { func: 0, table: 1, memory: 2, global: 3 } as const;

function writeExport(out: Writer, { name, kind, index }: Export): void {
  writeName(out, name);
  writeByte(out, exportKindBytes[kind]);
  writeU32(out, index);
}

function writeElement(out: Writer, { segment, type, items }: ElementSegment): void {
  const expressions = "expressions" in items ? 0x04 : 0;
  // The short encoding of an active segment implies both table 0 and funcref.
  const short = segment.mode === "active" && segment.index === 0 && type === funcref;
  const mode = { active: short ? 0x00 : 0x02, passive: 0x01, declared: 0x03 }[segment.mode];
  writeU32(out, mode | expressions);
  if (segment.mode === "active") {
    if (!short) writeU32(out, segment.index);
    writeBytes(out, segment.offset);
  }
  if ("expressions" in items) {
    if (!short) writeByte(out, type);
    writeVector(out, items.expressions, writeBytes);
  } else {
    if (!short) writeByte(out, 0x00);
    writeVector(out, items.functions, writeU32);
  }
}

function writeData(out: Writer, { segment, bytes }: DataSegment): void {
  if (segment.mode === "active") {
    writeU32(out, segment.index === 0 ? 0 : 2);
    if (segment.index !== 0) writeU32(out, segment.index);
    writeBytes(out, segment.offset);
  } else {
    writeU32(out, 1);
  }
  writeU32(out, bytes.length);
  writeBytes(out, bytes);
}

function writeCode(out: Writer, { locals, body }: FunctionBody): void {
  const header = createWriter(16);
  writeVector(header, locals, (writer, run) => {
    writeU32(writer, run.count);
    writeByte(writer, run.type);
  });
  writeU32(out, header.length + body.length);
  writeBytes(out, written(header));
  writeBytes(out, body);
}
