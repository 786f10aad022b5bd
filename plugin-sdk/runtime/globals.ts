/**
 * What plugins expect to be global and the engine does not have, or has without a source for it. The bundler puts
 * each in only where a file uses it. `Host`, `Config`, `Var` and `Http` are those of the Extism JS PDK.
 */

export { consoleGlobal as console } from "./console.ts";
export { Config, Host, Http, Var } from "./extism-globals.ts";
export { crypto, DateGlobal as Date, mathRandom as __sandgate_random, performance } from "./sources.ts";
export { TextDecoderGlobal as TextDecoder, TextEncoderGlobal as TextEncoder } from "./text-encoding.ts";
