import { readFile } from "node:fs/promises";

/** A module that a compiler made, as a package from npm carries it, and work that the package exists for. */
export type CompiledModule = {
  readonly name: string;
  read(): Promise<Uint8Array>;
  /** Prepares one instance: what is answered does the work once and throws when the result is wrong. */
  ready(exports: Exports): () => void;
};

type Exports = WebAssembly.Instance["exports"];
type Run = (...args: number[]) => number;

const packages = new URL("../../node_modules/", import.meta.url);

export const compiledModules: readonly CompiledModule[] = [
  {
    // C: an HTTP parser, one table of states in one function.
    name: "undici llhttp",
    read: () => embedded("undici/lib/llhttp/llhttp-wasm.js"),
    ready(exports) {
      const { llhttp_alloc, llhttp_reset, llhttp_execute, malloc } = functions(exports, [
        "llhttp_alloc",
        "llhttp_reset",
        "llhttp_execute",
        "malloc",
      ]);
      const message = Buffer.from(
        `HTTP/1.1 200 OK\r\n${Array.from({ length: 24 }, (_, n) => `x-header-${n}: some value ${n}\r\n`).join("")}content-length: 4\r\n\r\nbody`,
      );
      const response = 2;
      const parser = llhttp_alloc(response);
      const at = malloc(message.length);
      put(exports, at, message);
      return () => {
        llhttp_reset(parser);
        expect(llhttp_execute(parser, at, message.length), 0);
      };
    },
  },
  {
    // C: a scanner of JavaScript.
    name: "es-module-lexer",
    read: () => embedded("es-module-lexer/dist/lexer.js"),
    ready(exports) {
      const { sa, parse } = functions(exports, ["sa", "parse"]);
      const source = lexerSource.repeat(40);
      (exports["memory"] as WebAssembly.Memory).grow(8);
      return () => {
        put(exports, sa(source.length), Buffer.from(source, "utf16le"));
        expect(parse(), 1);
      };
    },
  },
  {
    // Rust: decodes VLQ, allocates, sorts.
    name: "source-map",
    read: () => readFile(new URL("source-map/lib/mappings.wasm", packages)),
    ready(exports) {
      const { allocate_mappings, parse_mappings, free_mappings } = functions(exports, [
        "allocate_mappings",
        "parse_mappings",
        "free_mappings",
      ]);
      const mappings = Buffer.from(
        Array.from({ length: 200 }, () => "AAAA,SAASA,KAAKC,GAAG,CAAC;EAAEC").join(";"),
      );
      return () => {
        const at = allocate_mappings(mappings.length);
        put(exports, at, mappings);
        const parsed = parse_mappings(at);
        if (parsed === 0) throw new Error("the mappings do not parse");
        free_mappings(parsed);
      };
    },
  },
  {
    // Rust: PNG with deflate.
    name: "@jsquash/png",
    read: () => readFile(new URL("@jsquash/png/codec/pkg/squoosh_png_bg.wasm", packages)),
    ready(exports) {
      const { __wbindgen_add_to_stack_pointer, __wbindgen_malloc, __wbindgen_free, encode } = functions(
        exports,
        ["__wbindgen_add_to_stack_pointer", "__wbindgen_malloc", "__wbindgen_free", "encode"],
      );
      const side = 32;
      const image = Uint8Array.from({ length: side * side * 4 }, (_, at) => (at * at) >> 5);
      return () => {
        const result = __wbindgen_add_to_stack_pointer(-16);
        const at = __wbindgen_malloc(image.length, 1);
        put(exports, at, image);
        encode(result, at, image.length, side, side, 8);
        const [png = 0, length = 0] = words(exports, result);
        expect(words(exports, png)[0], 0x474e5089);
        __wbindgen_free(png, length, 1);
        __wbindgen_add_to_stack_pointer(16);
      };
    },
  },
  {
    // Rust: Brotli there and back.
    name: "brotli-wasm",
    read: () => readFile(new URL("brotli-wasm/pkg.web/brotli_wasm_bg.wasm", packages)),
    ready(exports) {
      const wasm = functions(exports, brotliFunctions);
      const text = Buffer.from(lexerSource.repeat(8));
      const quality = 5;
      return () => {
        const result = wasm.__wbindgen_add_to_stack_pointer(-16);
        const at = wasm.__wbindgen_malloc(text.length);
        put(exports, at, text);
        const stream = wasm.compressstream_new(1, quality);
        wasm.compressstream_compress(result, stream, at, text.length, text.length);
        const [answer = 0] = words(exports, result);
        wasm.__wbg_brotlistreamresult_free(answer);
        wasm.compressstream_compress(result, stream, 0, 0, text.length);
        const [ended = 0] = words(exports, result);
        wasm.__wbg_get_brotlistreamresult_buf(result, ended);
        const [packed = 0, length = 0] = words(exports, result);
        wasm.__wbg_brotlistreamresult_free(ended);
        wasm.__wbg_compressstream_free(stream);
        wasm.decompress(result, packed, length);
        const [unpacked = 0, size = 0, , failed] = words(exports, result);
        expect(failed, 0);
        expect(size, text.length);
        wasm.__wbindgen_free(unpacked, size);
        wasm.__wbindgen_add_to_stack_pointer(16);
      };
    },
  },
  {
    // C: rounds of arithmetic in long straight lines.
    name: "hash-wasm sha256",
    read: () => embedded("hash-wasm/dist/sha256.umd.min.js"),
    ready(exports) {
      const { Hash_GetBuffer, Hash_Init, Hash_Update, Hash_Final } = functions(exports, [
        "Hash_GetBuffer",
        "Hash_Init",
        "Hash_Update",
        "Hash_Final",
      ]);
      const at = Hash_GetBuffer();
      put(exports, at, Buffer.alloc(4096, "message"));
      return () => {
        Hash_Init(256);
        Hash_Update(4096);
        Hash_Final();
        if (words(exports, at)[0] === 0) throw new Error("no digest");
      };
    },
  },
  {
    // The text format: a loop of multiplications.
    name: "xxhash-wasm",
    read: () => readFile(new URL("xxhash-wasm/workerd/xxhash.wasm", packages)),
    ready(exports) {
      const xxh64 = exports["xxh64"] as (at: number, length: number, seed: bigint) => bigint;
      put(exports, 0, Buffer.alloc(4096, "message"));
      const digest = xxh64(0, 4096, 0n);
      return () => {
        if (xxh64(0, 4096, 0n) !== digest) throw new Error("another digest");
      };
    },
  },
];

const lexerSource = `
import { readFile } from "node:fs/promises";
import * as path from 'node:path';
export const answer = 42, template = \`a \${answer + 1} b\`;
/* a comment */ export default function compute(input, options = {}) {
  const parts = input.split(/[,;]\\s*/g).map((part) => part.trim()); // another
  for (let index = 0; index < parts.length; index++) { if (options.strict && !parts[index]) throw new Error("empty"); }
  return parts.length > 2 ? import("./late.js") : { ...options, "quoted": 'yes' };
}
`;

const brotliFunctions = [
  "__wbindgen_add_to_stack_pointer",
  "__wbindgen_malloc",
  "__wbindgen_free",
  "__wbg_brotlistreamresult_free",
  "__wbg_get_brotlistreamresult_buf",
  "__wbg_compressstream_free",
  "compressstream_new",
  "compressstream_compress",
  "decompress",
] as const;

/** The bytes that a script carries as base64. */
async function embedded(path: string): Promise<Uint8Array> {
  const script = await readFile(new URL(path, packages), "utf8");
  const [text] = /AGFzbQEAAA[A-Za-z0-9+/=]+/.exec(script) ?? [];
  if (text === undefined) throw new Error(`${path} carries no module`);
  return Buffer.from(text, "base64");
}

function functions<N extends string>(exports: Exports, names: readonly N[]): Record<N, Run> {
  for (const name of names) if (typeof exports[name] !== "function") throw new Error(`no export ${name}`);
  return exports as unknown as Record<N, Run>;
}

function put(exports: Exports, at: number, bytes: Uint8Array): void {
  new Uint8Array(memoryOf(exports)).set(bytes, at);
}

function words(exports: Exports, at: number): Uint32Array {
  return new Uint32Array(memoryOf(exports).slice(at, at + 16));
}

function memoryOf(exports: Exports): ArrayBuffer {
  return ((exports["memory"] ?? exports["mem"]) as WebAssembly.Memory).buffer;
}

function expect(value: unknown, wanted: unknown): void {
  if (value !== wanted) throw new Error(`${value} instead of ${wanted}`);
}
