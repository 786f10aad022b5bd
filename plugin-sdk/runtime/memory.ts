import { blockBytes, blockLength, blockOf } from "./native.ts";
import { bytesOf, TextDecoderGlobal } from "./text-encoding.ts";

type Bytes = ArrayBufferLike | ArrayBufferView;
/** As host functions take and answer them: BigInts too, because the parameters of Extism are 64 bits wide. */
type Offset = number | bigint;

/** A block of the Extism kernel: `Memory` makes them, host functions take and answer their offsets. */
export class MemoryHandle {
  readonly offset: number;
  readonly len: number;

  constructor(offset: Offset, len: Offset) {
    this.offset = Number(offset);
    this.len = Number(len);
  }

  readString(): string {
    return new TextDecoderGlobal().decode(this.readBytes());
  }

  readJsonObject(): unknown {
    return JSON.parse(this.readString());
  }

  readBytes(): ArrayBuffer {
    return blockBytes(this.offset)?.buffer ?? new ArrayBuffer(0);
  }

  readUInt32(): number {
    return this.#view(4).getUint32(0, true);
  }

  readUInt64(): bigint {
    return this.#view(8).getBigUint64(0, true);
  }

  readFloat32(): number {
    return this.#view(4).getFloat32(0, true);
  }

  /** The name that the Extism JS PDK gave it. */
  readUFloat64(): number {
    return this.#view(8).getFloat64(0, true);
  }

  /** Does nothing: all blocks of a call are freed when it has ended. */
  free(): void {}

  #view(length: number): DataView {
    const bytes = this.readBytes();
    if (bytes.byteLength < length)
      throw new RangeError(`Memory: the block has ${bytes.byteLength} bytes, and ${length} are to be read`);
    return new DataView(bytes);
  }
}

export const Memory = {
  fromString: (text: string) => handleOf(blockOf(String(text).toWellFormed())),
  fromBuffer: (bytes: Bytes) => handleOf(blockOf(bytesOf(bytes))),
  fromJsonObject: (value: unknown) => handleOf(blockOf(JSON.stringify(value))),
  allocUInt32: (value: number) => handleOf(blockOf(bytesOf(Uint32Array.of(value)))),
  allocUInt64: (value: bigint) => handleOf(blockOf(bytesOf(BigUint64Array.of(value)))),
  allocFloat32: (value: number) => handleOf(blockOf(bytesOf(Float32Array.of(value)))),
  allocFloat64: (value: number) => handleOf(blockOf(bytesOf(Float64Array.of(value)))),
  find: (offset: Offset) => handleOf(Number(offset)),
};

function handleOf(offset: number): MemoryHandle {
  return new MemoryHandle(offset, offset === 0 ? 0 : blockLength(offset));
}
