import { readByte, readerOf, readName, readU32 } from "#host/sandbox/wasm/reader.ts";
import { sectionIds } from "#host/sandbox/wasm/section-ids.ts";
import {
  createWriter,
  writeByte,
  writeBytes,
  writeName,
  writeU32,
  written,
} from "#host/sandbox/wasm/writer.ts";
import { manifestSection } from "#sdk/abi/hooks.ts";

const preambleBytes = 8;

/**
 * The module with this manifest as its last section, in place of one that it had; all other bytes are as they were.
 * `wasm` is a module that `decodeModule` takes.
 */
export function embedManifest(wasm: Uint8Array, manifest: string): Uint8Array {
  const out = createWriter(wasm.length + manifest.length);
  writeBytes(out, wasm.subarray(0, preambleBytes));
  const reader = readerOf(wasm, preambleBytes);
  while (reader.at < reader.end) {
    const start = reader.at;
    const id = readByte(reader);
    const end = readU32(reader) + reader.at;
    const isManifest = id === sectionIds.custom && readName(reader) === manifestSection;
    if (!isManifest) writeBytes(out, wasm.subarray(start, end));
    reader.at = end;
  }
  const content = createWriter(manifest.length + manifestSection.length);
  writeName(content, manifestSection);
  writeBytes(content, new TextEncoder().encode(manifest));
  writeByte(out, sectionIds.custom);
  writeU32(out, content.length);
  writeBytes(out, written(content));
  return written(out);
}
