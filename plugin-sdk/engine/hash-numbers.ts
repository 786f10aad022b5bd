import { assemble } from "../../host/sandbox/wasm/emit.ts";
import type { FunctionBody, WasmModule } from "../../host/sandbox/wasm/module.ts";
import { UnexpectedQuickjs } from "./quickjs-module.ts";

/**
 * QuickJS finds a number in a Map or a Set by the low bits of a product with its upper half, and in a small whole number those
 * are all zero: 5,000 of them as keys took most of a call's fuel. The bits of a double are multiplied
 * here by the golden ratio, and the upper half of the product has something of each of them.
 */
export function hashNumbers(module: WasmModule): WasmModule {
  let places = 0;
  const code = module.code.map((one) => {
    const at = Buffer.from(one.body).indexOf(found);
    if (at < 0) return one;
    places++;
    return withHash(one, at);
  });
  if (places !== 1) throw new UnexpectedQuickjs("the number of functions that hash a number", 1, places);
  return { ...module, code };
}

const found = assemble([["i64.xor"], ["i32.wrap_i64"], ["i32.const", 3163], ["i32.mul"]]);

/** 2 ** 64 divided by the golden ratio, as a signed number. */
const multiplier = -0x61c8_8646_80b5_83ebn;
const hash = assemble([
  ["i64.xor"],
  ["i64.const", multiplier],
  ["i64.mul"],
  ["i64.const", 32n],
  ["i64.shr_u"],
  ["i32.wrap_i64"],
]);

function withHash({ locals, body }: FunctionBody, at: number): FunctionBody {
  return { locals, body: Buffer.concat([body.subarray(0, at), hash, body.subarray(at + found.length)]) };
}
