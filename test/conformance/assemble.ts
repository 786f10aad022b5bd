import { createRequire } from "node:module";
import type wabtInit from "wabt";

const wabt = await (createRequire(import.meta.url)("wabt") as typeof wabtInit)();

/** The binary of a module in the text format, with every feature of the allow-list. It shares nothing with our own codec. */
export function assembleText(text: string): Uint8Array {
  const module = wabt.parseWat("case.wat", text, { tail_call: true });
  try {
    return Uint8Array.from(module.toBinary({}).buffer);
  } finally {
    module.destroy();
  }
}
