import type { OracleCase } from "./modules.ts";

/** A plugin in AssemblyScript with its own small binding of the Extism ABI: strings, maps, sorting and a garbage collector. */
const source = `
@external("extism:host/env", "input_length") declare function inputLength(): u64;
@external("extism:host/env", "input_load_u8") declare function inputLoad(at: u64): u32;
@external("extism:host/env", "input_load_u64") declare function inputLoad8(at: u64): u64;
@external("extism:host/env", "alloc") declare function allocate(bytes: u64): u64;
@external("extism:host/env", "free") declare function release(block: u64): void;
@external("extism:host/env", "length") declare function lengthOf(block: u64): u64;
@external("extism:host/env", "load_u8") declare function load1(at: u64): u32;
@external("extism:host/env", "store_u8") declare function store1(at: u64, value: u32): void;
@external("extism:host/env", "store_u64") declare function store8(at: u64, value: u64): void;
@external("extism:host/env", "output_set") declare function outputSet(block: u64, bytes: u64): void;
@external("extism:host/env", "error_set") declare function errorSet(block: u64): void;
@external("extism:host/env", "config_get") declare function configGet(key: u64): u64;
@external("extism:host/env", "var_get") declare function varGet(key: u64): u64;
@external("extism:host/env", "var_set") declare function varSet(key: u64, value: u64): void;
@external("extism:host/env", "log_info") declare function logInfo(text: u64): void;

function input(): string {
  const length = <i32>inputLength();
  const bytes = new Uint8Array(length);
  let at = 0;
  for (; at + 8 <= length; at += 8) store<u64>(bytes.dataStart + at, inputLoad8(at));
  for (; at < length; at++) bytes[at] = <u8>inputLoad(at);
  return String.UTF8.decode(bytes.buffer);
}

function block(text: string): u64 {
  const bytes = Uint8Array.wrap(String.UTF8.encode(text));
  const made = allocate(bytes.length);
  let at = 0;
  for (; at + 8 <= bytes.length; at += 8) store8(made + at, load<u64>(bytes.dataStart + at));
  for (; at < bytes.length; at++) store1(made + at, bytes[at]);
  return made;
}

function text(from: u64): string {
  if (from == 0) return "";
  const bytes = new Uint8Array(<i32>lengthOf(from));
  for (let at = 0; at < bytes.length; at++) bytes[at] = <u8>load1(from + at);
  return String.UTF8.decode(bytes.buffer);
}

function answer(text: string): i32 {
  const made = block(text);
  outputSet(made, lengthOf(made));
  return 0;
}

export function words(): i32 {
  const counts = new Map<string, i32>();
  const all = input().split(" ");
  for (let i = 0; i < all.length; i++) counts.set(all[i], counts.has(all[i]) ? counts.get(all[i]) + 1 : 1);
  const keys = counts.keys();
  keys.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  let lines = "";
  for (let i = 0; i < keys.length; i++) lines += keys[i] + "=" + counts.get(keys[i]).toString() + ";";
  return answer(lines);
}

export function floats(): i32 {
  let sum = 0.0;
  for (let i = 1; i < 2000; i++) sum += Math.sin(i) / Math.sqrt(i) + Math.exp(-i * 0.001) * Math.pow(1.0001, i);
  return answer(sum.toString() + " " + (1.0 / 3.0).toString() + " " + (0.1 + 0.2).toString());
}

export function garbage(): i32 {
  let kept: string[] = [];
  for (let i = 0; i < 4000; i++) {
    const one = i.toString() + "-" + (i * 7919).toString(16);
    if (i % 200 == 0) kept.push(one);
  }
  return answer(kept.join(","));
}

export function count(): i32 {
  const key = block("count");
  const next = I64.parseInt("0" + text(varGet(key))) + 1;
  varSet(key, block(next.toString()));
  release(key);
  logInfo(block("count is " + next.toString()));
  return answer(next.toString());
}

export function greet(): i32 {
  const greeting = text(configGet(block("greeting")));
  if (greeting.length == 0) {
    errorSet(block("no greeting in the config"));
    return 1;
  }
  return answer(greeting + ", " + input() + "!");
}

export function fail(): i32 {
  errorSet(block("refused: " + input()));
  return 1;
}
`;

const flags = [
  "plugin.ts",
  "--outFile",
  "plugin.wasm",
  "--runtime",
  "incremental",
  "--exportStart",
  "_initialize",
];

export async function compileAssemblyScript(extra: readonly string[]): Promise<Uint8Array> {
  const { default: asc } = await import("assemblyscript/asc");
  let bytes: Uint8Array | null = null;
  const { error, stderr } = await asc.main([...flags, ...extra, "--use", "abort="], {
    readFile: (name) => (name === "plugin.ts" ? source : null),
    writeFile: (_name, content) => {
      bytes = typeof content === "string" ? Buffer.from(content) : content;
    },
    listFiles: () => [],
  });
  if (error !== null || bytes === null) throw new Error(`it does not compile:\n${stderr.toString()}`);
  return bytes;
}

const calls: OracleCase["calls"] = [
  ["words", "the quick fox and the lazy fox and the dog ünïcode"],
  ["words", ""],
  ["floats", ""],
  ["garbage", ""],
  ["greet", "world"],
  ["fail", "because"],
  ["count", ""],
  ["count", ""],
  ["count", ""],
];

/** Optimised and not: compilers make different control flow of the same source. */
export async function assemblyScriptCases(): Promise<OracleCase[]> {
  const [plain, optimised] = await Promise.all([compileAssemblyScript([]), compileAssemblyScript(["-O3"])]);
  return [
    { name: "AssemblyScript", wasm: plain, initializes: true, config: { greeting: "Hello" }, calls },
    { name: "AssemblyScript, optimised, without config", wasm: optimised, initializes: true, calls },
  ];
}
