/** Bytes that are no module, or a module of a kind that is not admitted here. `offset` counts from the first byte given. */
export class MalformedWasm extends Error {
  readonly offset: number;
  /** `unsupported`: the bytes may be valid WebAssembly, of a feature outside the allow-list. */
  readonly kind: "malformed" | "unsupported";

  constructor(offset: number, message: string, kind: "malformed" | "unsupported" = "malformed") {
    super(`${message} (at byte ${offset})`);
    this.name = "MalformedWasm";
    this.offset = offset;
    this.kind = kind;
  }
}

/** The error for a feature outside the allow-list, named so that an author knows what to switch off. */
export function unsupported(offset: number, feature: string): MalformedWasm {
  return new MalformedWasm(offset, `${feature} not supported`, "unsupported");
}
