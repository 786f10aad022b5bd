// The globals of a plugin beside those of the language, for the type checker: what `runtime/globals.ts` and the engine give.

declare const console: Record<
  "trace" | "debug" | "log" | "info" | "warn" | "error",
  (...values: unknown[]) => void
>;

declare const performance: { now(): number };
declare const crypto: {
  getRandomValues<View extends ArrayBufferView>(view: View): View;
  randomUUID(): string;
};

declare function queueMicrotask(job: () => void): void;
declare function atob(base64: string): string;
declare function btoa(binary: string): string;

declare class TextEncoder {
  readonly encoding: "utf-8";
  encode(text?: string): Uint8Array<ArrayBuffer>;
  encodeInto(text: string, into: Uint8Array): { read: number; written: number };
}

declare class TextDecoder {
  readonly encoding: "utf-8";
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(source?: ArrayBufferLike | ArrayBufferView): string;
}

// Of the Extism JS PDK.

declare const Host: {
  inputString(): string;
  inputBytes(): ArrayBuffer;
  outputString(text: string): void;
  outputBytes(bytes: ArrayBufferLike | ArrayBufferView): void;
  arrayBufferToBase64(buffer: ArrayBufferLike | ArrayBufferView): string;
  base64ToArrayBuffer(base64: string): ArrayBuffer;
};

declare const Config: { get(key: string): string | null };

declare const Var: {
  getBytes(name: string): ArrayBuffer | null;
  getString(name: string): string | null;
  set(name: string, value: string | ArrayBufferLike | ArrayBufferView | null): void;
};

declare const Http: {
  request(
    request: { url: string; method?: string; headers?: Record<string, string> },
    body?: string,
  ): { status: number; body: string };
};

declare const process: { readonly env: { readonly NODE_ENV: "production" } };
