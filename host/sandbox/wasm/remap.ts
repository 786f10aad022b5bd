import { nextInstruction, type Scan, scanOf } from "./instructions.ts";
import type { DataSegment, ElementSegment, Export, SegmentMode } from "./module.ts";
import { type ImmediateKind, opcodeImmediates } from "./opcodes.ts";
import { createWriter, type Writer, writeByte, writeBytes, writeS33, writeU32, written } from "./writer.ts";

/** Where the members of each index space moved. A space that is not named stays as it is. */
export type IndexMaps = {
  readonly type?: (index: number) => number;
  readonly func?: (index: number) => number;
  readonly table?: (index: number) => number;
  readonly memory?: (index: number) => number;
  readonly global?: (index: number) => number;
  readonly elem?: (index: number) => number;
  readonly data?: (index: number) => number;
};

/**
 * A function body or constant expression with its indices mapped; every other byte stays. The answer is `body` itself
 * when it has none. Throws MalformedWasm as `nextInstruction` does.
 */
export function remapBody(body: Uint8Array, maps: IndexMaps): Uint8Array {
  let out: Writer | null = null;
  const scan = scanOf(body);
  let copied = 0;
  while (nextInstruction(scan)) {
    if (!hasMappedIndex(scan, maps)) continue;
    out ??= createWriter(body.length + 16);
    writeBytes(out, body.subarray(copied, scan.start));
    writeRemapped(out, scan, maps);
    copied = scan.end;
  }
  if (out === null) return body;
  writeBytes(out, body.subarray(copied));
  return written(out);
}

/** Writes the instruction under the scan with its indices mapped. */
export function writeRemapped(out: Writer, scan: Scan, maps: IndexMaps): void {
  const body = scan.reader.bytes;
  writeBytes(out, body.subarray(scan.start, scan.immediates));
  if (!hasMappedIndex(scan, maps)) {
    writeBytes(out, body.subarray(scan.immediates, scan.end));
    return;
  }
  const kinds = opcodeImmediates[scan.code] ?? [];
  for (const [position, kind] of kinds.entries()) {
    const value = position === 0 ? scan.first : scan.second;
    if (kind === "blockType") writeS33(out, value < 0 ? value : move(maps.type, value));
    else if (kind === "memarg") writeMemarg(out, scan, maps);
    else if (kind === "lane") writeByte(out, value);
    else writeU32(out, move(mapOf(kind, maps), value));
  }
}

function writeMemarg(out: Writer, scan: Scan, maps: IndexMaps): void {
  const memory = move(maps.memory, scan.memory);
  writeU32(out, memory === 0 ? scan.first : scan.first | 0x40);
  if (memory !== 0) writeU32(out, memory);
  writeU32(out, scan.offset);
}

/** Whether the instruction under the scan mentions an index that a map may move. */
export function hasMappedIndex(scan: Scan, maps: IndexMaps): boolean {
  const kinds = opcodeImmediates[scan.code] ?? [];
  for (const kind of kinds) if (mapOf(kind, maps) !== undefined) return true;
  return false;
}

function mapOf(kind: ImmediateKind, maps: IndexMaps): ((index: number) => number) | undefined {
  switch (kind) {
    case "blockType":
      return maps.type;
    case "memarg":
      return maps.memory;
    case "type":
    case "func":
    case "table":
    case "memory":
    case "global":
    case "elem":
    case "data":
      return maps[kind];
    default:
      return undefined;
  }
}

function move(map: ((index: number) => number) | undefined, index: number): number {
  return map === undefined ? index : map(index);
}

/** An element segment with the indices of its table, functions and expressions mapped. */
export function remapElement(element: ElementSegment, maps: IndexMaps): ElementSegment {
  const { items } = element;
  return {
    type: element.type,
    segment: remapMode(element.segment, maps.table, maps),
    items:
      "functions" in items
        ? { functions: items.functions.map((index) => move(maps.func, index)) }
        : { expressions: items.expressions.map((expression) => remapBody(expression, maps)) },
  };
}

/** A data segment with the indices of its memory and offset mapped. */
export function remapData(data: DataSegment, maps: IndexMaps): DataSegment {
  return { segment: remapMode(data.segment, maps.memory, maps), bytes: data.bytes };
}

export function remapExport({ name, kind, index }: Export, maps: IndexMaps): Export {
  return { name, kind, index: move(maps[kind], index) };
}

function remapMode(
  segment: SegmentMode,
  map: ((index: number) => number) | undefined,
  maps: IndexMaps,
): SegmentMode {
  if (segment.mode !== "active") return segment;
  return { mode: "active", index: move(map, segment.index), offset: remapBody(segment.offset, maps) };
}
