/**
 * What plugins expect to be global and the engine does not have, or has without a source for it. The bundler puts
 * each in only where a file uses it. `Host`, `Config`, `Var`, `Http`, `Memory` and
 * `MemoryHandle` are those of the Extism JS PDK.
 */

export { consoleGlobal as console } from "./console.ts";
export { Config, Host, Http, Var } from "./extism-globals.ts";
export { HeadersGlobal as Headers } from "./headers.ts";
export { Memory, MemoryHandle } from "./memory.ts";
export { crypto, DateGlobal as Date, mathRandom as __sandgate_random, performance } from "./sources.ts";
export { structuredCloneGlobal as structuredClone } from "./structured-clone.ts";
export { subtle as __sandgate_subtle } from "./subtle.ts";
export { TextDecoderGlobal as TextDecoder, TextEncoderGlobal as TextEncoder } from "./text-encoding.ts";
export { URLGlobal as URL } from "./url.ts";
export { URLSearchParamsGlobal as URLSearchParams } from "./url-search-params.ts";
