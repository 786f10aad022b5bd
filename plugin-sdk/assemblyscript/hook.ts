import { blockOf, blockOfBytes } from "./blocks";
import { Json } from "./json";
import * as log from "./log";

@external("extism:host/env", "input_length")
declare function inputLength(): u64;
@external("extism:host/env", "input_load_u8")
declare function inputByte(at: u64): u32;
@external("extism:host/env", "input_load_u64")
declare function inputEight(at: u64): u64;
@external("extism:host/env", "output_set")
declare function setOutput(block: u64, bytes: u64): void;
@external("extism:host/env", "error_set")
declare function setError(block: u64): void;

export function inputBytes(): Uint8Array {
  const length = <i32>inputLength();
  const bytes = new Uint8Array(length);
  let at = 0;
  for (; at + 8 <= length; at += 8) store<u64>(bytes.dataStart + at, inputEight(at));
  for (; at < length; at++) store<u8>(bytes.dataStart + at, inputByte(at));
  return bytes;
}

/** What the hook's `reads` name; of `configure`, the binding's config. */
export function input(): Json {
  return Json.parse(inputBytes());
}

/** What a hook returns to ask for these effects, in their order; one by one they are made by `effects.ts`. */
export function effects(list: string[]): i32 {
  const bytes = Uint8Array.wrap(String.UTF8.encode('{"effects":[' + list.join(",") + "]}"));
  setOutput(blockOfBytes(bytes), bytes.length);
  return 0;
}

/** What a hook returns to fail, which is the end of the request unless the binding says otherwise. */
export function fail(message: string): i32 {
  setError(blockOf(message));
  return 1;
}

/** What the compiler calls when something throws, by `use` in asconfig.json: the call ends as a trap, the log says why. */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  const place = (file === null ? "?" : file) + ":" + line.toString() + ":" + column.toString();
  log.error((message === null ? "aborted" : message) + " (" + place + ")");
  unreachable();
}
